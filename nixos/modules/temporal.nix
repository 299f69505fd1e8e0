# Where workers find Temporal, and a Temporal for those who have none.
{
  config,
  lib,
  pkgs,
  utils,
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
  cfg = config.services.nixwarp.temporal;
  service = import ./service.nix { inherit lib; };
  dev = cfg.devServer;
  loopback = lib.elem dev.listenAddress [
    "127.0.0.1"
    "::1"
  ];
in
{
  options.services.nixwarp.temporal = {
    address = mkOption {
      type = types.strMatching "[^[:space:]/]+:[0-9]+";
      default = "127.0.0.1:7233";
      example = "temporal.example.org:7233";
      description = ''
        Host and port of Temporal's frontend. Workers speak plain gRPC to it: between machines that is for a VPN such as
        WireGuard, since whoever reaches it can start workflows.
      '';
    };

    namespace = mkOption {
      type = types.strMatching "[A-Za-z0-9][A-Za-z0-9._-]+";
      default = "nixwarp";
      description = "Temporal's namespace; the coordinator makes it. The same on every machine.";
    };

    uiUrl = mkOption {
      type = types.nullOr types.str;
      # Its dev server's listens on loopback: no link for who comes from elsewhere.
      default = if dev.enable && config.services.nixwarp.publicUrl == null then "http://127.0.0.1:${toString dev.uiPort}" else null;
      defaultText = literalExpression ''"http://127.0.0.1:8233" with the dev server and no publicUrl, else null'';
      example = "https://temporal.example.org";
      description = "Temporal's web UI, for links on the server's pages; `null` for no links.";
    };

    devServer = {
      enable = mkEnableOption "Temporal's dev server" // {
        description = ''
          Whether to run Temporal's dev server on this machine: one process with a database file.
          nixwarp loses nothing when it is killed or its file is deleted. For hundreds of builders point
          {option}`services.nixwarp.temporal.address` to a cluster.
        '';
      };

      package = mkOption {
        type = types.package;
        default = pkgs.temporal-cli;
        defaultText = literalExpression "pkgs.temporal-cli";
        description = "The package of the `temporal` command.";
      };

      listenAddress = mkOption {
        type = types.str;
        default = "127.0.0.1";
        example = "10.0.0.1";
        description = "Where builders on other machines reach it: an address of a VPN, never a public one, as it knows no passwords.";
      };

      port = mkOption {
        type = types.port;
        default = 7233;
        description = "Port of the frontend.";
      };

      uiPort = mkOption {
        type = types.port;
        default = 8233;
        description = "Port of the web UI, on loopback only.";
      };
    };
  };

  config = mkIf dev.enable {
    assertions = [
      {
        assertion = dev.port != dev.uiPort;
        message = "services.nixwarp.temporal.devServer: port and uiPort are both ${toString dev.port}.";
      }
    ];
    warnings = lib.optional (lib.elem dev.listenAddress [
      "0.0.0.0"
      "::"
    ]) "services.nixwarp.temporal.devServer listens on every address, and knows no passwords: whoever reaches port ${toString dev.port} can make the builders run commands. Name the address of a VPN.";

    services.nixwarp.temporal.address = lib.mkDefault (service.formatAddress dev.listenAddress dev.port);

    systemd.services.nixwarp-temporal = mkMerge [
      service.restart
      {
        description = "Temporal's dev server for nixwarp";
        documentation = [ "https://docs.temporal.io/cli/server" ];
        wantedBy = [ "multi-user.target" ];
        wants = lib.optional (!loopback) "network-online.target";
        after = [ "network.target" ] ++ lib.optional (!loopback) "network-online.target";
        # It would keep files of its own in the home folder.
        environment.HOME = "/var/lib/nixwarp-temporal";
        serviceConfig = service.hardening // {
          DynamicUser = true;
          StateDirectory = "nixwarp-temporal";
          StateDirectoryMode = "0700";
          TimeoutStopSec = 15;
          # Arguments as in cli/up/temporal.ts, which says why each is there; a test holds both against each other.
          ExecStart = utils.escapeSystemdExecArgs (
            [
              "${dev.package}/bin/temporal"
              "server"
              "start-dev"
              "--ip"
              dev.listenAddress
              "--port"
              (toString dev.port)
              "--ui-ip"
              "127.0.0.1"
              "--ui-port"
              (toString dev.uiPort)
              "--db-filename"
              "/var/lib/nixwarp-temporal/temporal.db"
              "--log-level"
              "error"
              "--namespace"
              cfg.namespace
            ]
            ++ lib.concatMap (name: [ "--search-attribute" "${name}=Keyword" ]) [
              "NixProject"
              "NixEvaluation"
              "NixStepKind"
              "NixPool"
              "NixGpuArch"
            ]
            ++ lib.concatMap (pragma: [ "--sqlite-pragma" pragma ]) [
              "journal_mode=wal"
              "synchronous=1"
            ]
            ++ lib.concatMap (value: [ "--dynamic-config-value" value ]) [
              "matching.enableFairness=true"
              "matching.useNewMatcher=true"
              "frontend.enableServerVersionCheck=false"
              ''history.workflowIdReuseMinimalInterval="0s"''
            ]
          );
        };
      }
    ];
  };
}
