# A builder with GPUs. It dials out: to the server by HTTPS, where its token opens the cache's internal view, and to
# Temporal by the VPN.
{
  imports = [ ./fleet.nix ];

  networking.hostName = "ada";
  nixpkgs.hostPlatform = "x86_64-linux";
  # NVIDIA's driver.
  nixpkgs.config.allowUnfree = true;
  system.stateVersion = "25.11";
  boot.loader.systemd-boot.enable = true;
  fileSystems."/" = {
    device = "/dev/disk/by-label/nixos";
    fsType = "ext4";
  };

  services.nixwarp = {
    temporal.address = "10.84.0.1:7233";
    builder = {
      enable = true;
      nvidia.enable = true;
      evaluationSlots = 0;
    };
  };

  services.xserver.videoDrivers = [ "nvidia" ];
  hardware.graphics.enable = true;
  hardware.nvidia.open = true;
  # Without it each check would wait for the driver to start.
  hardware.nvidia.nvidiaPersistenced = true;

  networking.wireguard.interfaces.builders = {
    ips = [ "10.84.0.2/24" ];
    privateKeyFile = "/var/lib/secrets/wireguard";
    peers = [
      {
        publicKey = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
        endpoint = "ci.example.org:51820";
        allowedIPs = [ "10.84.0.1/32" ];
        persistentKeepalive = 25;
      }
    ];
  };
}
