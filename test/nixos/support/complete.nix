# A machine with everything on it, and every option at a value that is not its default.
{ pkgs, ... }:

{
  networking.hostName = "ci";
  nixpkgs.hostPlatform = "x86_64-linux";
  system.stateVersion = "25.11";
  services.xserver.videoDrivers = [ "nvidia" ];

  services.nixwarp = {
    publicUrl = "https://ci.example.org";
    url = "http://10.84.0.1:9000";
    builderTokenFile = "/var/lib/secrets/builder-token";
    upstreams = [
      "https://one.example.org"
      "https://two.example.org"
    ];
    trustedPublicKeys = [
      "one.example.org-1:b25lLW9uZS1vbmUtb25lLW9uZS1vbmUtb25lLW9uZS0="
      "two.example.org-1:dHdvLXR3by10d28tdHdvLXR3by10d28tdHdvLXR3by0="
    ];
    heartbeatSeconds = 11;
    database.urlFile = "/var/lib/secrets/database-url";

    temporal = {
      namespace = "prod";
      # A percent sign, as in any URL: systemd would take it for a specifier.
      uiUrl = "https://temporal.example.org/namespaces/prod?query=a%20b";
      devServer = {
        enable = true;
        listenAddress = "10.84.0.1";
        port = 7000;
        uiPort = 8000;
      };
    };

    server = {
      enable = true;
      listenAddress = "10.84.0.1";
      port = 9000;
      trustedNetwork = true;
      adminTokenFile = "/var/lib/secrets/admin-token";
      cacheSecretKeyFile = "/var/lib/secrets/cache-secret-key";
      cacheOldSecretKeyFiles = [ "/var/lib/secrets/old-cache-secret-key" ];
      stagingSecretKeyFile = "/var/lib/secrets/staging-secret-key";
      publicView = "everything";
      publicLicenses = [
        "cuda-eula"
        "unfree"
      ];
      publicPackages = [ "our-tool" ];
      publicRedistributable = false;
      publicUpstreams = [ "https://free.example.org" ];
      cachePriority = 30;
      processes = 3;
      cacheMemoryMiB = 512;
      cacheTransfers = 100;
      maxConnections = 5000;
      accelRedirect = "/nixwarp-files/";
      cacheGraceSeconds = 21;
      cacheNarDelaySeconds = 22;
      cacheCollectSeconds = 23;
      cacheQuotaBytes = 24;
      pullThrough = "store";
      pullThroughMaxBytes = 25;
      s3 = {
        bucket = "nixwarp-cache";
        endpoint = "https://s3.example.org";
        region = "eu-central-1";
        prefix = "cache/";
        serve = "stream";
        accessKeyIdFile = "/var/lib/secrets/s3-access-key-id";
        secretAccessKeyFile = "/var/lib/secrets/s3-secret-access-key";
      };
    };

    coordinator = {
      enable = true;
      system = "aarch64-linux";
      resumeSeconds = 12;
      pollSeconds = 13;
      reconcileSeconds = 14;
      retryDelayPercent = 15;
    };

    builder = {
      enable = true;
      name = "Ada";
      cachePublicKey = "ci.example.org-1:Y2k=";
      buildSlots = 3;
      coresPerBuild = 5;
      evaluationSlots = 2;
      systems = [
        "x86_64-linux"
        "i686-linux"
      ];
      features = [
        "benchmark"
        "big-parallel"
      ];
      minFreeBytes = 16 * 1024 * 1024 * 1024;
      announceSeconds = 6;
      nvidia.enable = true;
      nvidia.only = true;
      nvidia.smi = "/run/current-system/sw/bin/nvidia-smi";
      nixEvalJobs = pkgs.nix-eval-jobs;
    };
  };
}
