# What both ways of evaluating share: how the root is called, when an attribute set is met again on its own path, and what a
# derivation says of itself.
#
# This file, walk.nix and nix-eval-jobs/*.nix reach Nix as text (`-E`): pure evaluation reads no file outside the store.
# Whatever comes from outside is in `request` (JSON, as one `--argstr`) and never spliced into an expression.
let
  inherit (builtins)
    all any attrNames concatMap filter functionArgs getContext getFlake hasContext intersectAttrs isAttrs isFunction isList
    isString listToAttrs map match removeAttrs replaceStrings split toXML tryEval unsafeDiscardStringContext;
in
rec {
  isDerivation = value: isAttrs value && (value.type or null) == "derivation";

  # The root that `request` names: `{ problem; value; }`, where `problem` is null or says which arguments do not fit.
  # `given`: the arguments of the command line; the expression of an argument is called "arg:<name>" there.
  findRoot = request: given:
    if request.root.kind == "flake" then
      { problem = null; value = (getFlake request.root.url).outputs; }
    else
      call request.arguments given (import request.root.path);

  # As Nix calls a file's function with `--arg`, but an argument that nobody takes is a problem and not silence.
  # `strings` and `expressions` are the user's, `asked` is what a variant stands for; `automatic` is passed where it is named.
  call = { strings, expressions, asked, automatic }: given: imported:
    let
      function = if isAttrs imported && imported ? __functor then imported.__functor imported else imported;
      formals = functionArgs function;
      # There is no primitive for `...` and for functions without a pattern; the XML of a function tells both.
      xml = replaceStrings [ "\n" ] [ " " ] (toXML function);
      takesAll = match ".*<(varpat|attrspat ellipsis=).*" xml != null;
      explicit = asked // strings
        // listToAttrs (map (name: { inherit name; value = given."arg:${name}"; }) expressions);
      passed = intersectAttrs formals automatic // explicit;
      unaccepted = filter (name: !(formals ? ${name})) (attrNames explicit);
      missing = filter (name: !formals.${name} && !(passed ? ${name})) (attrNames formals);
      refuse = kind: names: { problem = { inherit kind names; }; value = null; };
    in
    if !isFunction function then
      if explicit == { } then { problem = null; value = imported; } else refuse "no-function" (attrNames explicit)
    else if unaccepted != [ ] && !takesAll then refuse "unaccepted" unaccepted
    else if missing != [ ] then refuse "missing" missing
    else { problem = null; value = function passed; };

  # What a set holds, apart from the mark for the walk: `set // { recurseForDerivations = …; }` is still that set.
  contents = set: removeAttrs set [ "recurseForDerivations" ];

  # Those of `ancestors`, `{ set; name; }` with the name that leads on towards `set`, that may be `set` itself.
  # Most differ in the first name, which is cheaper to see than to list all names of a package set.
  lookalikes = ancestors: set:
    let names = attrNames (contents set);
    in
    filter
      (ancestor: all (name: ancestor.set ? ${name}) names && attrNames (contents ancestor.set) == names)
      (if names == [ ] then [ ] else ancestors);

  # Nix cannot compare sets by identity, and comparing two sets evaluates all that is in them. But two selections of one
  # attribute are equal, unlooked at, where they are one value in memory. So a set is an ancestor met again where it has the
  # same names, and where the way down from that ancestor, evaluated already, is also the way on from the set itself.
  # Sets that only look alike differ somewhere along that way; a comparison that fails says that they differ.
  isMetAgain = ancestors: set:
    let
      leadsOn = ancestor:
        let
          way = intersectAttrs { ${ancestor.name} = null; };
          same = tryEval (way ancestor.set == way set);
        in
        same.success && same.value;
    in
    any leadsOn (lookalikes ancestors set);

  # `requiredSystemFeatures`: a list, or words in a text as in the builder's environment.
  featuresOf = derivation:
    let value = derivation.requiredSystemFeatures or [ ];
    in
    if isString value then filter (word: isString word && word != "") (split "[[:space:]]+" value)
    else if isList value && all isString value then value
    else throw "requiredSystemFeatures is no list of strings";

  # Hydra's aggregates name jobs and globs, or hold derivations, whose path is taken.
  isAggregate = derivation: (derivation._hydraAggregate or false) == true;
  constituentsOf = derivation:
    let
      given = derivation.constituents or [ ];
      derivationsIn = text: filter (path: match ".*[.]drv" path != null) (attrNames (getContext text));
      one = item:
        if isAttrs item then [ (unsafeDiscardStringContext item.drvPath) ]
        else if hasContext item && derivationsIn item != [ ] then derivationsIn item
        else [ item ];
    in
    concatMap one (if isList given then given else [ given ]);

  # Where tests and checks of a derivation stand, `{ via; set; }`: `drv.tests` and `drv.passthru.tests` are two spellings.
  checkHolders = derivation:
    let passthru = tryEval (if isAttrs (derivation.passthru or null) then derivation.passthru else { });
    in
    [ { via = [ ]; set = derivation; } ]
    ++ (if passthru.success then [ { via = [ "passthru" ]; set = passthru.value; } ] else [ ]);
}
