# An almanac of the planets: thirty-one derivations that need only the builtins of /bin/sh, so that they build
# everywhere, in Nix's sandbox too. A table (fixed-output) feeds every planet; chapters become parts, parts a book.
{
  system ? builtins.currentSystem,
}:

let
  # Outputs are plain files: without mkdir there are no folders.
  write = attrs: builder:
    let
      meta = { license = { spdxId = "MIT"; shortName = "mit"; free = true; redistributable = true; }; } // attrs.meta or { };
    in
    derivation (removeAttrs attrs [ "meta" ] // {
      inherit system;
      outputs = attrs.outputs or [ "out" ];
      builder = "/bin/sh";
      args = [ "-eu" "-c" builder ];
    }) // { inherit meta; };

  # Copies the files named after it; what `cat` does, which a sandbox's shell lacks.
  cat = ''
    cat() { for file; do while IFS= read -r line; do echo "$line"; done < "$file"; done; }
  '';

  planets = {
    inner = [ "mercury" "venus" "earth" "mars" ];
    outer = [ "jupiter" "saturn" "uranus" "neptune" ];
  };

  eachOf = names: value: builtins.listToAttrs (map (name: { inherit name; value = value name; }) names);
  ofEachPlanet = eachOf (planets.inner ++ planets.outer);
in
rec {
  # Columns: name, diameter in km, distance from the sun in millions of km, day in hours.
  table = write
    {
      name = "planets.table";
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      outputHash = "bdfa9622031492e6d8245654d66b992dd67c4e2d1835b212e34701bf076aff51";
      meta.description = "Planets by diameter, distance and day: a fixed-output derivation";
    }
    ''
      {
        echo 'mercury 4879 58 1408'
        echo 'venus 12104 108 5832'
        echo 'earth 12756 150 24'
        echo 'mars 6792 228 25'
        echo 'jupiter 142984 779 10'
        echo 'saturn 120536 1432 11'
        echo 'uranus 51118 2867 17'
        echo 'neptune 49528 4515 16'
      } > $out
    '';

  # 355/113 is pi to six decimals, which suits a shell that counts in whole numbers.
  constants = write { name = "constants"; meta.description = "Numbers that every orbit needs"; } ''
    echo 'pi_numerator=355 pi_denominator=113 light_km_per_s=299792' > $out
  '';

  measures = ofEachPlanet (planet: write
    {
      name = "measures-${planet}";
      outputs = [ "out" "log" ];
      inherit planet table;
      meta.description = "Row of ${planet}; what was read is the second output";
    }
    ''
      rows=0
      while read -r name diameter distance day; do
        rows=$((rows + 1))
        if [ "$name" = "$planet" ]; then
          echo "diameter=$diameter distance=$distance day=$day" > $out
        fi
      done < $table
      echo "$planet: one of $rows rows" > $log
    '');

  orbits = ofEachPlanet (planet: write
    {
      name = "orbit-${planet}";
      inherit planet constants;
      measure = measures.${planet};
      meta.description = "Orbit of ${planet}";
    }
    ''
      read -r numbers < $constants
      read -r row < $measure
      eval "$numbers $row"
      length=$((2 * distance * pi_numerator / pi_denominator))
      minutes=$((distance * 1000000 / light_km_per_s / 60))
      echo "$planet: an orbit of $length million km, light from the sun takes $minutes min"
      echo "length=$length minutes=$minutes" > $out
    '');

  chapters = ofEachPlanet (planet: write
    {
      name = "chapter-${planet}";
      inherit planet;
      measure = measures.${planet};
      orbit = orbits.${planet};
      meta.description = "Page about ${planet}";
    }
    ''
      read -r row < $measure
      read -r path < $orbit
      eval "$row $path"
      {
        echo "$planet"
        echo "  diameter: $diameter km"
        echo "  day: $day h"
        echo "  orbit: $length million km"
        echo "  light from the sun: $minutes min"
      } > $out
    '');

  parts = builtins.mapAttrs
    (name: members: write
      {
        name = "part-${name}";
        inputs = map (planet: chapters.${planet}) members;
        meta.description = "Chapters of the ${name} planets";
      }
      ''
        ${cat}
        {
          echo "Part made of: $inputs"
          cat $inputs
        } > $out
      '')
    planets;

  contents = write
    {
      name = "contents";
      logs = map (planet: measures.${planet}.log) (planets.inner ++ planets.outer);
      meta.description = "Table of contents, from the second outputs";
    }
    ''
      ${cat}
      cat $logs > $out
    '';

  almanac = write
    {
      name = "almanac";
      inherit contents;
      inherit (parts) inner outer;
      meta.description = "The book";
    }
    ''
      ${cat}
      {
        echo "Almanac made of: $inner $outer"
        cat $contents $inner $outer
      } > $out
      echo "the almanac is $out"
    '';

  # Hydra's aggregate; its constituents are jobs of this evaluation, by name and as derivations.
  release = write
    {
      name = "release";
      _hydraAggregate = true;
      constituents = [ "almanac" parts.inner parts.outer ];
      meta.description = "What a release consists of";
    }
    ''
      echo "$constituents" > $out
    '';
}
