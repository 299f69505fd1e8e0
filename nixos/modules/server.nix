# The server: API, pages and binary cache.
{
  config,
  lib,
  pkgs,
  ...
}:

let
  inherit (lib)
    literalExpression
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
  inherit (cfg) s3;
  hasNginx = cfg.accelRedirect != null && config.services.nginx.enable;
  word = types.strMatching "[^[:space:]]+";
  httpUrl = types.strMatching "https?://[^[:space:]]+";
  seconds =
    default: example: description:
    mkOption {
      type = types.ints.unsigned;
      inherit default example description;
    };
  days = count: count * 24 * 60 * 60;
in
{
  options.services.nixwarp.server = {
    enable = mkEnableOption "the nixwarp server: API, web pages and binary cache";

    listenAddress = mkOption {
      type = types.str;
      default = "127.0.0.1";
      example = "10.0.0.1";
      description = ''
        The address to listen on. Beyond loopback a cache that shows everything needs
        {option}`services.nixwarp.server.trustedNetwork`.
      '';
    };

    trustedNetwork = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether listening beyond this machine is meant with {option}`services.nixwarp.server.publicView` at `everything`:
        whoever reaches the server then reads unfree packages, too. Whatever changes something needs a token always.
      '';
    };

    publicView = mkOption {
      type = types.enum [
        "policy"
        "everything"
      ];
      default = "policy";
      description = ''
        What is shown of the cache without a token: `policy` for paths that are known to be free with their whole closure,
        `everything` where no strangers come. Builders, and people with a token, have all of it below `/internal`.
      '';
    };

    publicLicenses = mkOption {
      type = types.listOf word;
      default = [ ];
      example = [ "cuda-eula" ];
      description = ''
        Licences that count as free, by Nixpkgs' short name, SPDX identifier or full name with `-` for what is neither
        letter nor digit.
      '';
    };

    publicPackages = mkOption {
      type = types.listOf word;
      default = [ ];
      example = [ "our-tool" ];
      description = "Packages that are public whatever they say of their licence: a `pname`, alone or with a version.";
    };

    publicRedistributable = mkOption {
      type = types.bool;
      default = true;
      description = "Whether unfree packages that may be redistributed are public.";
    };

    publicUpstreams = mkOption {
      type = types.listOf httpUrl;
      default = [ "https://cache.nixos.org" ];
      description = ''
        Caches that serve nothing but what may be given away: what they have is public where no evaluation says otherwise.
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

    cacheOldSecretKeyFiles = mkOption {
      type = types.listOf types.externalPath;
      default = [ ];
      example = [ "/var/lib/secrets/nixwarp/cache-secret-key-1" ];
      description = "Files with keys that sign besides, for as long as clients trust only these: for a change of keys.";
    };

    stagingSecretKeyFile = mkOption {
      type = types.nullOr types.externalPath;
      default = null;
      example = "/var/lib/secrets/nixwarp/staging-secret-key";
      description = ''
        A file with the key that signs staging views, another one than those of the cache. Without it the server makes one
        in its state folder.
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

    cacheGraceSeconds = seconds (days 7) (days 1) "How long what nothing holds stays in the cache after it was declared.";
    cacheNarDelaySeconds = seconds (days 30) (days 7) "How long a NAR outlives its narinfo, which clients remember.";
    cacheCollectSeconds = seconds (days 1) 0 "How often the cache is collected; 0 for only by `nixwarp cache gc`.";

    cacheQuotaBytes = mkOption {
      type = types.nullOr types.ints.positive;
      default = null;
      example = literalExpression "2 * 1024 * 1024 * 1024 * 1024";
      description = "Above it the oldest evaluations let go of their outputs, never the newest of a jobset; `null` for no limit.";
    };

    pullThrough = mkOption {
      type = types.enum [
        "off"
        "proxy"
        "store"
      ];
      default = "off";
      description = ''
        What is done with what only {option}`services.nixwarp.upstreams` have: nothing, `proxy` to pass it on, `store` to
        keep it besides. It must be signed by one of {option}`services.nixwarp.trustedPublicKeys`.
      '';
    };

    pullThroughMaxBytes = mkOption {
      type = types.ints.positive;
      default = 16 * 1024 * 1024 * 1024;
      defaultText = literalExpression "16 * 1024 * 1024 * 1024";
      description = "The largest NAR to take from an upstream, as it is stored there.";
    };

    s3 = {
      bucket = mkOption {
        type = types.nullOr (types.strMatching "[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");
        default = null;
        example = "nixwarp-cache";
        description = "The bucket that keeps the cache's files; `null` for /var/lib/nixwarp/cache.";
      };

      endpoint = mkOption {
        type = types.nullOr httpUrl;
        default = null;
        example = "https://s3.example.org";
        description = "Where the bucket is; `null` for Amazon's endpoint of the region.";
      };

      region = mkOption {
        type = word;
        default = "us-east-1";
        example = "eu-central-1";
        description = "The bucket's region.";
      };

      prefix = mkOption {
        type = types.nullOr (types.strMatching "([A-Za-z0-9._-]+/)+");
        default = null;
        example = "cache/";
        description = "Folders in front of every key, with a slash behind each; `null` for none.";
      };

      serve = mkOption {
        type = types.enum [
          "redirect"
          "stream"
        ];
        default = "redirect";
        description = ''
          Whether clients are sent to the bucket for NARs, by URLs that hold for an hour, or get them through the server,
          where they cannot reach the bucket.
        '';
      };

      accessKeyIdFile = mkOption {
        type = types.nullOr types.externalPath;
        default = null;
        example = "/var/lib/secrets/nixwarp/s3-access-key-id";
        description = "A file with the access key's id; `null` for the machine's own role, as Amazon's tools find it.";
      };

      secretAccessKeyFile = mkOption {
        type = types.nullOr types.externalPath;
        default = null;
        example = "/var/lib/secrets/nixwarp/s3-secret-access-key";
        description = "A file with the secret access key.";
      };
    };

    accelRedirect = mkOption {
      type = types.nullOr (types.strMatching "/([A-Za-z0-9._-]+/)+");
      default = null;
      example = "/nixwarp-files/";
      description = ''
        An `internal` location of nginx that has /var/lib/nixwarp/cache/ as its `alias`: nginx sends the files that the
        server says. Set it only where nothing but nginx reaches the server: who asks it directly gets no bytes.
        nginx of this machine is given the group `nixwarp`, which then reads new files of the server; for a cache that is
        there already run `chmod -R g+rX /var/lib/nixwarp/cache` once.
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
        assertion = cfg.publicView == "policy" || cfg.trustedNetwork || isLoopback;
        message = "services.nixwarp.server.listenAddress is ${cfg.listenAddress}, where whoever reaches it reads everything, unfree packages too. Set services.nixwarp.server.publicView = \"policy\", or services.nixwarp.server.trustedNetwork = true if that is meant.";
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
      {
        assertion = !lib.elem cfg.cacheSecretKeyFile cfg.cacheOldSecretKeyFiles;
        message = "services.nixwarp.server.cacheOldSecretKeyFiles names the file of services.nixwarp.server.cacheSecretKeyFile, which signs already.";
      }
      {
        assertion = cfg.pullThrough != "off" -> lib.any (lib.hasPrefix "http") nixwarp.upstreams;
        message = "services.nixwarp.server.pullThrough needs a cache of http or https in services.nixwarp.upstreams.";
      }
      {
        assertion = cfg.pullThrough != "off" -> nixwarp.trustedPublicKeys != [ ];
        message = "services.nixwarp.server.pullThrough needs the keys of the upstreams in services.nixwarp.trustedPublicKeys: nothing unsigned is passed on.";
      }
      {
        assertion = (s3.accessKeyIdFile == null) == (s3.secretAccessKeyFile == null);
        message = "services.nixwarp.server.s3.accessKeyIdFile and services.nixwarp.server.s3.secretAccessKeyFile belong together: set both, or neither.";
      }
      {
        assertion =
          s3.bucket == null -> s3.endpoint == null && s3.prefix == null && s3.accessKeyIdFile == null;
        message = "services.nixwarp.server.s3.bucket is not set, but other options of services.nixwarp.server.s3 are.";
      }
      {
        assertion = !(cfg.accelRedirect != null && cfg.openFirewall);
        message = "services.nixwarp.server.accelRedirect leaves the bytes to nginx, and services.nixwarp.server.openFirewall lets clients past it: they would get empty files. Set one of them.";
      }
    ];

    networking.firewall.allowedTCPPorts = mkIf cfg.openFirewall [ cfg.port ];
    users = mkMerge [
      service.users
      (mkIf hasNginx { users.${config.services.nginx.user}.extraGroups = [ "nixwarp" ]; })
    ];

    systemd.services.nixwarp-server = mkMerge [
      service.restart
      (service.database config)
      (service.secrets {
        NIXWARP_ADMIN_TOKEN = cfg.adminTokenFile;
        NIXWARP_BUILDER_TOKEN = nixwarp.builderTokenFile;
        # The first one is the primary key.
        NIXWARP_CACHE_SECRET_KEY =
          if cfg.cacheSecretKeyFile == null then null else [ cfg.cacheSecretKeyFile ] ++ cfg.cacheOldSecretKeyFiles;
        NIXWARP_STAGING_SECRET_KEY = cfg.stagingSecretKeyFile;
        NIXWARP_S3_ACCESS_KEY_ID = s3.accessKeyIdFile;
        NIXWARP_S3_SECRET_ACCESS_KEY = s3.secretAccessKeyFile;
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
          NIXWARP_PUBLIC_VIEW = cfg.publicView;
          NIXWARP_PUBLIC_LICENSES = cfg.publicLicenses;
          NIXWARP_PUBLIC_PACKAGES = cfg.publicPackages;
          NIXWARP_PUBLIC_REDISTRIBUTABLE = cfg.publicRedistributable;
          NIXWARP_PUBLIC_UPSTREAMS = cfg.publicUpstreams;
          NIXWARP_CACHE_GRACE_SECONDS = cfg.cacheGraceSeconds;
          NIXWARP_CACHE_NAR_DELAY_SECONDS = cfg.cacheNarDelaySeconds;
          NIXWARP_CACHE_GC_SECONDS = cfg.cacheCollectSeconds;
          NIXWARP_CACHE_QUOTA_BYTES = cfg.cacheQuotaBytes;
          NIXWARP_UPSTREAMS = nixwarp.upstreams;
          NIXWARP_TRUSTED_PUBLIC_KEYS = nixwarp.trustedPublicKeys;
          NIXWARP_PULL_THROUGH = cfg.pullThrough;
          NIXWARP_PULL_THROUGH_MAX_BYTES = cfg.pullThroughMaxBytes;
          NIXWARP_S3_BUCKET = s3.bucket;
          NIXWARP_S3_ENDPOINT = s3.endpoint;
          NIXWARP_S3_REGION = s3.region;
          NIXWARP_S3_PREFIX = s3.prefix;
          NIXWARP_S3_SERVE = s3.serve;
          NIXWARP_TEMPORAL_UI_URL = nixwarp.temporal.uiUrl;
          # For upstreams and buckets: what `security.pki` adds to Node's own certificates.
          NODE_EXTRA_CA_CERTS = "/etc/ssl/certs/ca-certificates.crt";
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
          StateDirectoryMode = if cfg.accelRedirect == null then "0700" else "0750";
          # With nginx in the group its files are readable there, and nowhere else.
          UMask = if cfg.accelRedirect == null then "0077" else "0027";
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
