# What all machines agree on.
{
  services.nixwarp = {
    publicUrl = "https://ci.example.org";
    builderTokenFile = "/var/lib/secrets/nixwarp/builder-token";
    builder.cachePublicKey = "ci.example.org-1:xS7/OE1HGlzSJGMwqk1S1s8vrU6xNNkWSUiNX3yZk7c=";

    # Built there already, so not built here. Of the second one nobody promises that all may be given away: it is not in
    # server.publicUpstreams.
    upstreams = [
      "https://cache.nixos.org"
      "https://cache.nixos-cuda.org"
    ];
    trustedPublicKeys = [
      "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY="
      "cache.nixos-cuda.org:74DUi4Ye579gUqzH4ziL9IyiJBlDpMRn9MBN8oNan9M="
    ];
  };
}
