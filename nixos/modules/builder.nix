# A builder: realises steps, runs GPU checks and evaluates. It dials out, and needs no open port, no signing key and no
# way to Postgres.
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
  cfg = nixwarp.builder;
  service = import ./service.nix { inherit lib; };
  user = "nixwarp-builder";
  hostName = config.networking.hostName;
  # Said to the process, too: Nix is told below where the builder of this name keeps its netrc file.
  name =
    if cfg.name != null then
      cfg.name
    else if hostName != "" then
      lib.toLower hostName
    else
      null;
  # As the server announces it.
  cacheUrl = if nixwarp.publicUrl != null then nixwarp.publicUrl else nixwarp.url;
  nixSettings = config.nix.settings;
  mayUseNix = lib.any (name: lib.elem name (nixSettings.allowed-users ++ nixSettings.trusted-users)) [
    "*"
    user
    "@${user}"
  ];
in
{
  options.services.nixwarp.builder = {
    enable = mkEnableOption "a nixwarp builder";

    name = mkOption {
      type = types.nullOr (types.strMatching "[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
      default = null;
      example = "ada";
      description = "Its name, unique among all builders; `null` for the host's name in lower case.";
    };

    cachePublicKey = mkOption {
      type = types.nullOr (types.strMatching "[^:[:space:]]+:[A-Za-z0-9+/]+=*");
      default = null;
      example = "ci.example.org-1:bXktcHVibGljLWtleS1pcy10aGlydHktdHdvLWJ5dGU=";
      description = ''
        The public half of {option}`services.nixwarp.server.cacheSecretKeyFile`, as `nix key convert-secret-to-public`
        prints it. This machine's Nix will take signed inputs from the cache; the builder itself stays an ordinary user
        of Nix, as whom Nix trusts is as good as root.
      '';
    };

    buildSlots = mkOption {
      type = types.nullOr (types.ints.between 0 1024);
      default = null;
      example = 4;
      description = "Builds at a time, in each of the builder's pools; `null` for as many as the machine has CPUs.";
    };

    coresPerBuild = mkOption {
      type = types.nullOr (types.ints.between 1 4096);
      default = null;
      description = "Cores for each build (`NIX_BUILD_CORES`); `null` for CPUs divided by slots.";
    };

    evaluationSlots = mkOption {
      type = types.ints.between 0 64;
      default = 1;
      description = "Evaluations at a time; 0 for a builder that does not evaluate.";
    };

    systems = mkOption {
      type = types.nullOr (types.listOf types.str);
      default = null;
      example = [
        "x86_64-linux"
        "i686-linux"
      ];
      description = "Systems to build for; `null` for the machine's own.";
    };

    features = mkOption {
      type = types.nullOr (types.listOf types.str);
      default = null;
      example = [
        "benchmark"
        "big-parallel"
      ];
      description = ''
        System features to offer, and to set in this machine's `nix.settings`; together with the systems they decide the
        builder's pools. `null` for Nix's usual ones, with `kvm` and `nixos-test` where there is a /dev/kvm. GPUs are not
        named here: see {option}`services.nixwarp.builder.nvidia.enable`.
      '';
    };

    minFreeBytes = mkOption {
      type = types.ints.unsigned;
      default = 2 * 1024 * 1024 * 1024;
      example = literalExpression "50 * 1024 * 1024 * 1024";
      description = "With less free space, in the store or the state folder, the builder takes no work and says so.";
    };

    announceSeconds = mkOption {
      type = types.ints.between 1 60;
      default = 5;
      description = "How often it tells the server that it is there, and asks whether it is to drain.";
    };

    nvidia = {
      enable = mkEnableOption "GPU checks" // {
        description = ''
          Whether to run GPU checks on this machine's NVIDIA GPUs. Models and architectures are probed and never
          configured: the builder serves a pool for each architecture, with a slot for each GPU. In Nix's sandbox,
          derivations that require the feature `cuda` get the devices and /run/opengl-driver.
        '';
      };

      only = mkOption {
        type = types.bool;
        default = false;
        description = "Whether the machine runs GPU checks only: no builds, no evaluations.";
      };

      smi = mkOption {
        type = types.str;
        default = "${config.hardware.nvidia.package.bin}/bin/nvidia-smi";
        defaultText = literalExpression ''"''${config.hardware.nvidia.package.bin}/bin/nvidia-smi"'';
        description = "The `nvidia-smi` to ask for GPUs.";
      };
    };

    nixEvalJobs = mkOption {
      type = types.nullOr types.package;
      default = null;
      example = literalExpression "pkgs.nix-eval-jobs";
      description = "nix-eval-jobs (2.32.1 or newer), for jobsets that evaluate with it; `null` for our own evaluator only.";
    };
  };

  config = mkIf cfg.enable {
    assertions = [
      {
        assertion = cfg.cachePublicKey != null;
        message = "services.nixwarp.builder.cachePublicKey must be set, or this machine's Nix would refuse what the cache serves. Print it with: nix key convert-secret-to-public < SECRET-KEY-FILE";
      }
      {
        assertion = name != null;
        message = "services.nixwarp.builder.name must be set where networking.hostName is empty: Nix is told where the builder of that name keeps its token for the cache.";
      }
      {
        assertion = mayUseNix;
        message = "nix.settings.allowed-users must name ${user}, or the builder cannot use Nix.";
      }
      {
        assertion = config.nix.enable;
        message = "services.nixwarp.builder needs nix.enable: it builds with this machine's Nix daemon.";
      }
      {
        assertion = cfg.nvidia.enable -> config.hardware.nvidia.enabled;
        message = ''services.nixwarp.builder.nvidia.enable needs NVIDIA's driver: set services.xserver.videoDrivers = [ "nvidia" ] (without X too) or hardware.nvidia.datacenter.enable.'';
      }
      {
        assertion = cfg.nvidia.only -> cfg.nvidia.enable;
        message = "services.nixwarp.builder.nvidia.only without nvidia.enable leaves the builder nothing to do.";
      }
      {
        assertion = cfg.buildSlots != 0 || cfg.nvidia.enable || cfg.evaluationSlots > 0;
        message = "services.nixwarp.builder has no build slots, no evaluation slots and no GPUs: nothing to do.";
      }
    ];

    users.users.${user} = {
      isSystemUser = true;
      group = user;
      description = "nixwarp builder";
      home = "/var/lib/nixwarp-builder";
    };
    users.groups.${user} = { };

    # What the builder asks of Nix with --option counts for trusted users only: an ordinary one needs it said here.
    nix.settings = {
      trusted-substituters =
        lib.optionals (cacheUrl != null) [
          cacheUrl
          "${cacheUrl}/internal"
        ]
        ++ nixwarp.upstreams;
      # The builder writes it, with its token for the internal view and what /etc/nix/netrc has for others.
      netrc-file = mkIf (name != null) (lib.mkDefault "/var/lib/nixwarp-builder/builder/${name}/netrc");
      trusted-public-keys = lib.optional (cfg.cachePublicKey != null) cfg.cachePublicKey ++ nixwarp.trustedPublicKeys;
      # What was ingested a moment ago must not be hidden by an answer that Nix remembers.
      narinfo-cache-negative-ttl = 0;
      # nix-required-mounts adds its own, and any definition replaces the default: these must then be named.
      system-features = mkIf (cfg.features != null || cfg.nvidia.enable) (
        if cfg.features != null then
          cfg.features
        else
          [
            "benchmark"
            "big-parallel"
            "kvm"
            "nixos-test"
          ]
      );
    };

    programs.nix-required-mounts = mkIf cfg.nvidia.enable {
      enable = true;
      presets.nvidia-gpu.enable = true;
    };

    systemd.services.nixwarp-builder = mkMerge [
      service.restart
      (service.secrets { NIXWARP_BUILDER_TOKEN = nixwarp.builderTokenFile; })
      {
        description = "nixwarp builder";
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-online.target" ];
        after = [
          "network-online.target"
          "nix-daemon.socket"
          "nixwarp-server.service"
          "nixwarp-temporal.service"
        ];
        path = [ config.nix.package ] ++ lib.optional (cfg.nixEvalJobs != null) cfg.nixEvalJobs;
        environment = service.environment {
          TEMPORAL_ADDRESS = nixwarp.temporal.address;
          TEMPORAL_NAMESPACE = nixwarp.temporal.namespace;
          NIXWARP_URL = nixwarp.url;
          NIXWARP_STATE_DIR = "/var/lib/nixwarp-builder";
          NIXWARP_BUILDER_NAME = name;
          NIXWARP_SYSTEM = pkgs.stdenv.hostPlatform.system;
          NIXWARP_SYSTEMS = cfg.systems;
          NIXWARP_FEATURES = cfg.features;
          NIXWARP_BUILD_SLOTS = cfg.buildSlots;
          NIXWARP_CORES_PER_BUILD = cfg.coresPerBuild;
          NIXWARP_EVALUATION_SLOTS = cfg.evaluationSlots;
          NIXWARP_MIN_FREE_BYTES = cfg.minFreeBytes;
          NIXWARP_ANNOUNCE_SECONDS = cfg.announceSeconds;
          NIXWARP_HEARTBEAT_SECONDS = nixwarp.heartbeatSeconds;
          NIXWARP_UPSTREAMS = nixwarp.upstreams;
          NIXWARP_TRUSTED_PUBLIC_KEYS = nixwarp.trustedPublicKeys;
          NIXWARP_GPUS_ONLY = cfg.nvidia.only;
          NIXWARP_NVIDIA_SMI = if cfg.nvidia.enable then cfg.nvidia.smi else null;
          NIX_REMOTE = "daemon";
          NODE_EXTRA_CA_CERTS = "/etc/ssl/certs/ca-certificates.crt";
        };
        serviceConfig =
          service.hardening
          // {
            # It sees which devices there are (/dev/kvm is a feature), and may open none of them.
            PrivateDevices = false;
            DevicePolicy = "closed";
            Type = "exec";
            User = user;
            Group = user;
            StateDirectory = "nixwarp-builder";
            StateDirectoryMode = "0700";
            ExecStart = "${nixwarp.package}/bin/nixwarp-builder";
            # Builds outlive the process that watches them: a new one, as of a new configuration, takes them up again.
            KillMode = "process";
            # The kernel ends one build that takes too much memory; that is no reason to end all others.
            OOMPolicy = "continue";
            TimeoutStopSec = 60;
          }
          // lib.optionalAttrs cfg.nvidia.enable {
            # For nvidia-smi; checks get their devices from Nix's sandbox.
            DeviceAllow = [
              "char-nvidia"
              "char-nvidia-caps"
              "char-nvidia-frontend"
              "char-nvidia-uvm"
              "char-nvidiactl"
            ];
          };
      }
    ];
  };
}
