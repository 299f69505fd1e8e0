# Settings that more than one of nixwarp's processes reads.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    literalExpression
    mkIf
    mkOption
    types
    ;
  cfg = config.services.nixwarp;
  service = import ./service.nix { inherit lib; };
  anyEnabled = cfg.server.enable || cfg.coordinator.enable || cfg.builder.enable;
in
{
  options.services.nixwarp = {
    package = mkOption {
      type = types.package;
      default = pkgs.callPackage ../package.nix { };
      defaultText = literalExpression "pkgs.callPackage ./package.nix { }";
      description = "The nixwarp package that all services of this machine run.";
    };

    publicUrl = mkOption {
      type = types.nullOr (types.strMatching "https?://[^[:space:]]*[^/[:space:]]");
      default = null;
      example = "https://ci.example.org";
      description = ''
        How people, Nix and builders on other machines reach the server: the URL in links, and of the binary cache.
        The same on every machine, without a slash at its end. `null` on the server's machine means the address that the
        server listens on, which other machines do not reach.
      '';
    };

    url = mkOption {
      type = types.nullOr (types.strMatching "https?://[^[:space:]]+");
      default = if cfg.server.enable then service.localUrl cfg.server else cfg.publicUrl;
      defaultText = literalExpression ''where the server of this machine listens, else config.services.nixwarp.publicUrl'';
      example = "http://10.0.0.1:8484";
      description = "How coordinator and builder of this machine reach the server.";
    };

    builderTokenFile = mkOption {
      type = types.nullOr types.externalPath;
      default = null;
      example = "/var/lib/secrets/nixwarp/builder-token";
      description = ''
        A file with the token by which builders and the coordinator show the server who they are; the same on every
        machine. Readable for root alone is enough: it is loaded with systemd's `LoadCredential=`.
      '';
    };

    upstreams = mkOption {
      type = types.listOf (types.strMatching "[^[:space:]]+");
      default = [ "https://cache.nixos.org" ];
      example = [
        "https://cache.nixos.org"
        "https://cache.nixos-cuda.org"
      ];
      description = ''
        Binary caches whose contents are neither built nor copied into our own cache, unless
        {option}`services.nixwarp.server.pullThrough` is `store`.
      '';
    };

    trustedPublicKeys = mkOption {
      # Of 32 bytes: the server refuses to start with any other.
      type = types.listOf (types.strMatching "[^:[:space:]]+:[A-Za-z0-9+/]{43}=");
      default = [ "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=" ];
      description = "The keys by which {option}`services.nixwarp.upstreams` sign.";
    };

    heartbeatSeconds = mkOption {
      type = types.ints.between 1 3600;
      default = 30;
      description = ''
        A builder that is silent for so long is given up; its build is found again when it comes back.
        Coordinator and builders must agree.
      '';
    };
  };

  config = mkIf anyEnabled {
    assertions = [
      {
        assertion = cfg.builderTokenFile != null;
        message = "services.nixwarp.builderTokenFile must be set: server, coordinator and builders share that token. Make one with: openssl rand -hex 24";
      }
      {
        assertion = cfg.url != null;
        message = "services.nixwarp.publicUrl must be set where services.nixwarp.server is not enabled: coordinator and builder would not know where the server is.";
      }
    ];

    environment.systemPackages = [ cfg.package ];
  };
}
