# What nixwarp's services have in common: how settings reach a process, hardening, and when it is started again.
{ lib }:

let
  text =
    value:
    if builtins.isList value then
      # An empty variable counts as unset, and would bring the process's default back.
      (if value == [ ] then " " else lib.concatStringsSep " " (map toString value))
    else if builtins.isBool value then
      lib.boolToString value
    else
      toString value;
in
rec {
  # Variables of a unit; `null` leaves one to the process's own default. systemd reads % as the start of a specifier.
  environment =
    settings:
    lib.mapAttrs (_: value: lib.replaceStrings [ "%" ] [ "%%" ] (text value)) (
      lib.filterAttrs (_: value: value != null) settings
    );

  # Secrets of a unit, from variable to file: the process reads a copy that only its unit can see (systemd.exec(5),
  # LoadCredential=), so the file itself may stay readable for root alone. `null` leaves one out; a list is for a variable
  # that may name several files.
  secrets =
    files:
    let
      credentialsOf =
        name: value:
        lib.imap0 (index: file: {
          name = if index == 0 then name else "${name}.${toString index}";
          inherit file;
        }) (lib.toList value);
      given = lib.mapAttrs credentialsOf (lib.filterAttrs (_: value: value != null) files);
    in
    {
      environment = lib.mapAttrs' (
        name: credentials:
        lib.nameValuePair "${name}_FILE" (lib.concatMapStringsSep " " (one: "%d/${one.name}") credentials)
      ) given;
      serviceConfig.LoadCredential = map (one: "${one.name}:${one.file}") (
        lib.concatLists (lib.attrValues given)
      );
    };

  # The variables of a process that needs Postgres. What `createLocally` makes is reached by its Unix socket, which
  # a URL cannot name for the client that we use: PGHOST and PGPORT do.
  database =
    config:
    let
      cfg = config.services.nixwarp.database;
    in
    if cfg.createLocally then
      {
        environment = environment {
          DATABASE_URL = "postgres:///nixwarp";
          PGHOST = "/run/postgresql";
          PGPORT = config.services.postgresql.settings.port;
        };
        wants = [ "postgresql.service" ];
        # The target is there from NixOS 25.11 on, and waits for the user to be made.
        after = [
          "postgresql.service"
          "postgresql.target"
        ];
      }
    else
      secrets { DATABASE_URL = cfg.urlFile; };

  # `127.0.0.1:8484`, `[::1]:8484`.
  formatAddress = host: port: "${if lib.hasInfix ":" host then "[${host}]" else host}:${toString port}";

  # Where processes of the server's own machine reach it: "every address" is none to connect to.
  localUrl =
    server:
    let
      host =
        {
          "0.0.0.0" = "127.0.0.1";
          "::" = "::1";
        }
        .${server.listenAddress} or server.listenAddress;
    in
    "http://${formatAddress host server.port}";

  # The user of server and coordinator: local Postgres knows it by its name.
  users = {
    users.nixwarp = {
      isSystemUser = true;
      group = "nixwarp";
      description = "nixwarp server and coordinator";
    };
    groups.nixwarp = { };
  };

  restart = {
    # Retried for ever, since what a process waits for may be away for long: after 1 s at first, up to a minute.
    startLimitIntervalSec = 0;
    serviceConfig = {
      Restart = "on-failure";
      RestartSec = 1;
      RestartSteps = 8;
      RestartMaxDelaySec = 60;
      # EX_CONFIG: a wrong configuration is not cured by starting again.
      RestartPreventExitStatus = 78;
    };
  };

  hardening = {
    # MemoryDenyWriteExecute is absent: V8 compiles at run time.
    AmbientCapabilities = "";
    CapabilityBoundingSet = "";
    LockPersonality = true;
    NoNewPrivileges = true;
    PrivateDevices = true;
    PrivateTmp = true;
    ProtectClock = true;
    ProtectControlGroups = true;
    ProtectHome = true;
    ProtectHostname = true;
    ProtectKernelLogs = true;
    ProtectKernelModules = true;
    ProtectKernelTunables = true;
    ProtectProc = "invisible";
    ProtectSystem = "strict";
    RemoveIPC = true;
    # Netlink is how the C library learns which addresses the machine has.
    RestrictAddressFamilies = [
      "AF_INET"
      "AF_INET6"
      "AF_NETLINK"
      "AF_UNIX"
    ];
    RestrictNamespaces = true;
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
    SystemCallErrorNumber = "EPERM";
    SystemCallFilter = [
      "@system-service"
      # V8 protects its code with memory protection keys.
      "@pkey"
      "~@privileged"
    ];
    UMask = "0077";
  };
}
