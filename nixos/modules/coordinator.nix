# The coordinator: workflows, planning, the outbox relay and reconciling. Several may run, on machines that reach Postgres.
{ config, lib, ... }:

let
  inherit (lib)
    mkEnableOption
    mkIf
    mkMerge
    mkOption
    types
    ;
  nixwarp = config.services.nixwarp;
  cfg = nixwarp.coordinator;
  service = import ./service.nix { inherit lib; };
  seconds =
    default: maximum: description:
    mkOption {
      type = types.ints.between 1 maximum;
      inherit default description;
    };
in
{
  options.services.nixwarp.coordinator = {
    enable = mkEnableOption "the nixwarp coordinator: workflows and planning";

    system = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "x86_64-linux";
      description = "The system whose builders evaluate jobsets that name none; `null` for this machine's own.";
    };

    resumeSeconds = seconds 120 86400 "How long the build of a silent builder waits for it before it is tried elsewhere.";
    pollSeconds = seconds 30 86400 "How often workflows look whether a message to them was lost.";
    reconcileSeconds = seconds 10 3600 "How often Temporal is compared with Postgres, and told again what it lost.";

    retryDelayPercent = mkOption {
      type = types.ints.between 0 100000;
      default = 100;
      description = "Scales the delays before a failed attempt is tried again; 100 leaves them as they are.";
    };
  };

  config = mkIf cfg.enable {
    users = service.users;

    systemd.services.nixwarp-coordinator = mkMerge [
      service.restart
      (service.database config)
      (service.secrets { NIXWARP_BUILDER_TOKEN = nixwarp.builderTokenFile; })
      {
        description = "nixwarp coordinator";
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-online.target" ];
        after = [
          "network-online.target"
          "nixwarp-temporal.service"
        ];
        environment = service.environment {
          TEMPORAL_ADDRESS = nixwarp.temporal.address;
          TEMPORAL_NAMESPACE = nixwarp.temporal.namespace;
          NIXWARP_URL = nixwarp.url;
          NIXWARP_UPSTREAMS = nixwarp.upstreams;
          NIXWARP_SYSTEM = cfg.system;
          NIXWARP_HEARTBEAT_SECONDS = nixwarp.heartbeatSeconds;
          NIXWARP_RESUME_SECONDS = cfg.resumeSeconds;
          NIXWARP_POLL_SECONDS = cfg.pollSeconds;
          NIXWARP_RETRY_DELAY_PERCENT = cfg.retryDelayPercent;
          NIXWARP_RECONCILE_SECONDS = cfg.reconcileSeconds;
          # Node has certificates of its own; this adds those of `security.pki`.
          NODE_EXTRA_CA_CERTS = "/etc/ssl/certs/ca-certificates.crt";
        };
        serviceConfig = service.hardening // {
          Type = "exec";
          User = "nixwarp";
          Group = "nixwarp";
          ExecStart = "${nixwarp.package}/bin/nixwarp-coordinator";
          TimeoutStopSec = 60;
        };
      }
    ];
  };
}
