# Where server and coordinator find Postgres.
{ config, lib, ... }:

let
  inherit (lib)
    mkIf
    mkOption
    types
    ;
  nixwarp = config.services.nixwarp;
  cfg = nixwarp.database;
in
{
  options.services.nixwarp.database = {
    createLocally = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = ''
        Whether to run Postgres on this machine, with a database and a user `nixwarp` that is known by its Unix user,
        without a password. Server and coordinator must then both run here.
      '';
    };

    urlFile = mkOption {
      type = types.nullOr types.externalPath;
      default = null;
      example = "/var/lib/secrets/nixwarp/database-url";
      description = ''
        A file with the URL of an existing database, with its password: `postgres://nixwarp:…@db.example.org/nixwarp`.
        The user must own the database: the server migrates it when it starts.
      '';
    };
  };

  config = mkIf (nixwarp.server.enable || nixwarp.coordinator.enable) {
    assertions = [
      {
        assertion = cfg.createLocally != (cfg.urlFile != null);
        message = "Set exactly one of services.nixwarp.database.createLocally and services.nixwarp.database.urlFile.";
      }
      {
        assertion = cfg.createLocally -> nixwarp.server.enable && nixwarp.coordinator.enable;
        message = "services.nixwarp.database.createLocally needs services.nixwarp.server and services.nixwarp.coordinator on the same machine: its Postgres listens on a Unix socket only. Use services.nixwarp.database.urlFile.";
      }
    ];

    services.postgresql = mkIf cfg.createLocally {
      enable = true;
      ensureDatabases = [ "nixwarp" ];
      ensureUsers = [
        {
          name = "nixwarp";
          ensureDBOwnership = true;
        }
      ];
    };
  };
}
