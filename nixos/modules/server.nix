# The server: API, pages and binary cache.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    types
    ;
  nixwarp = config.services.nixwarp;
  cfg = nixwarp.server;
  isLoopback = lib.elem cfg.listenAddress [ "::1" "localhost" ] || lib.hasPrefix "127." cfg.listenAddress;
  service = import ./service.nix { inherit lib; };
in
{
  options.services.nixwarp.server = {
    enable = mkEnableOption "the nixwarp server: API, web pages and binary cache";

    listenAddress = mkOption {
      type = types.str;
      default = "127.0.0.1";
      example = "10.0.0.1";
      description = ''
        The address to listen on. Anything but loopback needs {option}`services.nixwarp.server.trustedNetwork`.
      '';
    };

    trustedNetwork = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether listening beyond this machine is meant. Reading needs no token, whoever asks: put a reverse proxy that
        knows your users, or a VPN, before what is not for everybody. Whatever changes something needs a token.
      '';
    };

    port = mkOption {
      type = types.port;
      default = 8484;
      description = "The port to listen on.";
    };

    openFirewall = mkOption {
      type = types.bool;
      default = false;
      description = "Whether to open {option}`services.nixwarp.server.port` in the firewall.";
    };

    adminTokenFile = mkOption {
      type = types.nullOr types.externalPath;
      default = null;
      example = "/var/lib/secrets/nixwarp/admin-token";
      description = "A file with the administrator's token, which commands show that change something.";
    };

    cacheSecretKeyFile = mkOption {
      type = types.nullOr types.externalPath;
      default = null;
      example = "/var/lib/secrets/nixwarp/cache-secret-key";
      description = ''
        A file with the key that signs the binary cache, as `nix key generate-secret --key-name ci.example.org-1` makes
        it. It is on this machine only: builders have none.
      '';
    };

    cachePriority = mkOption {
      type = types.ints.between 0 1000;
      default = 50;
      description = "Priority in `nix-cache-info`: Nix asks a cache with a lower one first; cache.nixos.org has 40.";
    };

    processes = mkOption {
      type = types.ints.between 1 256;
      default = 1;
      description = "Processes that answer on one port. One core serves tens of thousands of narinfos a second.";
    };

    cacheMemoryMiB = mkOption {
      type = types.ints.between 1 65536;
      default = 256;
      description = "Memory for narinfos and small NARs, for each view and process.";
    };

    cacheTransfers = mkOption {
      type = types.ints.between 1 65536;
      default = 256;
      description = "NARs that a process sends at a time; who comes later waits, in turn with others.";
    };

    maxConnections = mkOption {
      type = types.ints.between 1 1000000;
      default = 10000;
      description = "Connections to a process; more are closed unanswered.";
    };

    accelRedirect = mkOption {
      type = types.nullOr (types.strMatching "/([A-Za-z0-9._-]+/)+");
      default = null;
      example = "/nixwarp-files/";
      description = ''
        An `internal` location of nginx that has /var/lib/nixwarp/cache/ as its `alias`: nginx sends the files that the
        server says. Set it only where nothing but nginx reaches the server.
      '';
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.adminTokenFile != null;
        message = "services.nixwarp.server.adminTokenFile must be set. Make a token with: openssl rand -hex 24";
      }
      {
        assertion = cfg.cacheSecretKeyFile != null;
        message = "services.nixwarp.server.cacheSecretKeyFile must be set. Make a key with: nix key generate-secret --key-name NAME-1";
      }
      {
        assertion = cfg.trustedNetwork || isLoopback;
        message = "services.nixwarp.server.listenAddress is ${cfg.listenAddress}, where whoever reaches it reads everything. Set services.nixwarp.server.trustedNetwork = true if that is meant.";
      }
      {
        assertion = nixwarp.publicUrl != null || isLoopback;
        message = "services.nixwarp.publicUrl must be set where services.nixwarp.server.listenAddress is not loopback: links and the binary cache's URL would not be those that others can reach.";
      }
      {
        # A role is found by its token: the same for both would make every builder an administrator.
        assertion = cfg.adminTokenFile == null || cfg.adminTokenFile != nixwarp.builderTokenFile;
        message = "services.nixwarp.server.adminTokenFile and services.nixwarp.builderTokenFile are the same file: every builder would be an administrator.";
      }
    ];

    networking.firewall.allowedTCPPorts = mkIf cfg.openFirewall [ cfg.port ];
    users = service.users;

    systemd.services.nixwarp-server = mkMerge [
      service.restart
      (service.database config)
      (service.secrets {
        NIXWARP_ADMIN_TOKEN = cfg.adminTokenFile;
        NIXWARP_BUILDER_TOKEN = nixwarp.builderTokenFile;
        NIXWARP_CACHE_SECRET_KEY = cfg.cacheSecretKeyFile;
      })
      {
        description = "nixwarp server";
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-online.target" ];
        after = [ "network-online.target" ];
        environment = service.environment {
          NIXWARP_STATE_DIR = "/var/lib/nixwarp";
          NIXWARP_LISTEN = service.formatAddress cfg.listenAddress cfg.port;
          NIXWARP_TRUSTED_NETWORK = cfg.trustedNetwork;
          NIXWARP_PUBLIC_URL = nixwarp.publicUrl;
          NIXWARP_CACHE_PRIORITY = cfg.cachePriority;
          NIXWARP_SERVER_PROCESSES = cfg.processes;
          NIXWARP_CACHE_MEMORY_MIB = cfg.cacheMemoryMiB;
          NIXWARP_CACHE_TRANSFERS = cfg.cacheTransfers;
          NIXWARP_MAX_CONNECTIONS = cfg.maxConnections;
          NIXWARP_ACCEL_REDIRECT = cfg.accelRedirect;
          NIXWARP_TEMPORAL_UI_URL = nixwarp.temporal.uiUrl;
        };
        path = [ pkgs.curl ];
        # Up is what answers: an activation with a server that does not fails, at once where it has ended.
        postStart = ''
          until curl --silent --fail --output /dev/null --max-time 5 ${service.localUrl cfg}/nix-cache-info; do
            kill -0 "$MAINPID" || exit 1
            sleep 0.5
          done
        '';
        serviceConfig = service.hardening // {
          Type = "exec";
          User = "nixwarp";
          Group = "nixwarp";
          StateDirectory = "nixwarp";
          StateDirectoryMode = "0700";
          ExecStart = "${nixwarp.package}/bin/nixwarp-server";
          # The wait for a database that recovers, then the migrations.
          TimeoutStartSec = 300;
          # Uploads of builders are let to their end.
          TimeoutStopSec = 60;
          # Every connection and every NAR that is read is a descriptor.
          LimitNOFILE = 65536;
        };
      }
    ];
  };
}
