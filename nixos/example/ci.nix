# The machine with everything: server, coordinator, Temporal, Postgres and a builder without GPUs.
{ config, ... }:

{
  imports = [ ./fleet.nix ];

  networking.hostName = "ci";
  nixpkgs.hostPlatform = "x86_64-linux";
  system.stateVersion = "25.11";
  boot.loader.systemd-boot.enable = true;
  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };

  services.nixwarp = {
    server = {
      enable = true;
      adminTokenFile = "/var/lib/secrets/nixwarp/admin-token";
      cacheSecretKeyFile = "/var/lib/secrets/nixwarp/cache-secret-key";
      # Strangers see what is known to be free with its whole closure, and what is named here.
      publicView = "policy";
      publicPackages = [ "our-tool" ];
      # nginx below sends the files, which the server only names.
      accelRedirect = "/nixwarp-files/";
    };
    coordinator.enable = true;
    builder = {
      enable = true;
      buildSlots = 4;
      minFreeBytes = 50 * 1024 * 1024 * 1024;
    };

    database.createLocally = true;
    temporal.devServer = {
      enable = true;
      # The VPN below: builders reach Temporal there, and nobody else does.
      listenAddress = "10.84.0.1";
    };
  };

  # TLS, and the way in from outside.
  services.nginx = {
    enable = true;
    recommendedTlsSettings = true;
    recommendedProxySettings = true;
    # NARs of builders are of any size, and are passed on while they come in.
    clientMaxBodySize = "0";
    virtualHosts."ci.example.org" = {
      enableACME = true;
      forceSSL = true;
      # Nix reuses a connection for up to 118 s.
      extraConfig = "keepalive_timeout 130s;";
      locations."/" = {
        proxyPass = "http://127.0.0.1:${toString config.services.nixwarp.server.port}";
        extraConfig = ''
          proxy_request_buffering off;
          proxy_buffering off;
          proxy_read_timeout 1h;
        '';
      };
      # Nobody asks for it but the server, in `X-Accel-Redirect`.
      locations.${config.services.nixwarp.server.accelRedirect} = {
        alias = "/var/lib/nixwarp/cache/";
        extraConfig = "internal;";
      };
    };
  };
  security.acme = {
    acceptTerms = true;
    defaults.email = "ops@example.org";
  };

  networking.wireguard.interfaces.builders = {
    ips = [ "10.84.0.1/24" ];
    listenPort = 51820;
    privateKeyFile = "/var/lib/secrets/wireguard";
    peers = [
      {
        publicKey = "ywE2LtbyjTVmBGYlOOHWhvTM5PKF9Dp5LoQxWBpGoUM=";
        allowedIPs = [ "10.84.0.2/32" ];
      }
    ];
  };
  networking.firewall = {
    allowedTCPPorts = [
      80
      443
    ];
    allowedUDPPorts = [ 51820 ];
    interfaces.builders.allowedTCPPorts = [ config.services.nixwarp.temporal.devServer.port ];
  };
}
