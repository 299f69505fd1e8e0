# One worker process of our evaluator: looks at the attributes that `request` lists, in order, and tells what it finds.
#
# Each finding leaves at once, as one line of JSON behind the request's secret mark on standard error (`builtins.trace`): a
# process that dies of an error which `tryEval` does not catch has told everything before it. Findings are described in
# walk/findings.ts, requests in request.ts and walk/work.ts.
shared:
{ request, ... }@given:

let
  inherit (builtins)
    all attrNames concatMap deepSeq elemAt filter foldl' fromJSON genList head isAttrs isBool isFloat isInt isList isString
    length listToAttrs map seq tail toJSON trace tryEval typeOf unsafeDiscardStringContext;
  inherit (shared) isDerivation;

  asked = fromJSON request;
  root = shared.findRoot asked given;

  say = facts: trace (asked.mark + toJSON facts) null;
  inOrder = foldl' (_: step: step) null;
  last = list: elemAt list (length list - 1);
  firstOf = count: list: if length list <= count then list else genList (elemAt list) count;

  # The values along a path, from the root to the attribute itself.
  along = foldl' (values: name: values ++ [ (last values).${name} ]) [ root.value ];
  exists = value: path:
    path == [ ] || (isAttrs value && value ? ${head path} && exists value.${head path} (tail path));

  look = index: item:
    let
      tell = at: facts: say ({ item = index; inherit at; } // facts);
      # Alone in its process an attribute may die of what `tryEval` catches: that is how its message is had.
      attempt = if item.plain then value: { success = true; inherit value; } else tryEval;
      values = along item.path;
      value = last values;
      ancestors = genList (n: { set = elemAt values n; name = elemAt item.path n; }) (length item.path);

      kind = attempt (
        if !exists root.value item.path then "absent"
        else if isDerivation value then "derivation"
        else if !isAttrs value then "other"
        else if item.top || asked.recurse == "all" || (value.recurseForDerivations or false) == true then "set"
        else "other"
      );

      names = filter (name: name != "recurseForDerivations") (attrNames value);
      children = tell "set" { names = firstOf asked.maxNames names; };
      set =
        if item.top || !item.compare || shared.lookalikes ancestors value == [ ] then children
        else inOrder [
          (tell "comparing" { })
          (if shared.isMetAgain ancestors value then tell "again" { } else children)
        ];

      facts = attempt (let all = factsOf value; in deepSeq all all);
      job =
        if !facts.success then tell "caught" { }
        else inOrder [
          (tell "job" facts.value)
          (tell "meta" { meta = metaOf value; })
        ];
    in
    inOrder [
      (
        if !kind.success then tell "caught" { }
        else if item.want == "probe" && kind.value != "absent" then tell "present" { }
        else if kind.value == "derivation" then inOrder [
          (tell "derivation" { })
          (if item.want == "check" then tell "features" { features = readFeatures value; } else null)
          (if item.want == "checks" then null else job)
          (if item.want == "visit" || item.want == "checks" then checks tell item value else null)
        ]
        else if kind.value == "set" && item.want == "visit" then set
        else if kind.value == "absent" then tell "absent" { }
        else tell "other" { type = typeOf value; }
      )
      (tell "done" { })
    ];

  factsOf = derivation:
    let
      text = name: value:
        if isString value then unsafeDiscardStringContext value
        else throw "${name} of the derivation is a ${typeOf value}, not a string";
      field = name:
        if derivation ? ${name} then text name derivation.${name} else throw "the derivation has no ${name}";
    in
    {
      drvPath = field "drvPath";
      name = field "name";
      system = field "system";
    }
    // (
      if !shared.isAggregate derivation then { }
      else { constituents = map (text "one of constituents") (shared.constituentsOf derivation); }
    );

  # Null where they cannot be read.
  readFeatures = derivation:
    let features = tryEval (let list = shared.featuresOf derivation; in deepSeq list list);
    in if features.success then features.value else null;

  # Field by field: a `meta` that throws costs only the field that throws, and what JSON cannot hold is left out.
  metaOf = derivation:
    let
      meta = tryEval (if isAttrs (derivation.meta or null) then derivation.meta else { });
      field = convert: set: name:
        let converted = tryEval (let value = convert set.${name}; in deepSeq value value);
        in
        if set ? ${name} && converted.success && converted.value != null then [ { inherit name; inherit (converted) value; } ]
        else [ ];
      pick = convert: names: set: listToAttrs (concatMap (field convert set) names);
      plain = value:
        if isString value || isInt value || isBool value || isFloat value then value
        else if isList value && all isString value then value
        else null;
      listOf = names: value:
        map (one: if isAttrs one then pick plain names one else plain one) (if isList value then value else [ value ]);
    in
    if !meta.success then { }
    else
      pick plain [
        "description" "homepage" "position" "broken" "unfree" "insecure" "timeout" "maxSilent" "schedulingPriority"
      ] meta.value
      // pick (listOf [ "shortName" "spdxId" "fullName" "free" "redistributable" ]) [ "license" ] meta.value
      // pick (listOf [ "name" "github" "email" ]) [ "maintainers" ] meta.value;

  # Candidates for GPU checks below a derivation. `<drv>.gpuCheck` and `<drv>.tests.<t>.gpuCheck` are looked at later, each by
  # itself; `<drv>.tests.<t>` is a check where it asks for a GPU, which is the one thing read here: its derivation may be
  # expensive, and most tests need no GPU.
  checks = tell: item: derivation:
    let
      holders = shared.checkHolders derivation;
      holdersOf = name: filter ({ set, ... }: set ? ${name}) holders;
      viaOf = value:
        let found = concatMap ({ via, set }: if set ? gpuCheck then [ via ] else [ ]) (shared.checkHolders value);
        in if found == [ ] then null else head found ++ [ "gpuCheck" ];

      testsIn = { via, set }:
        let tests = tryEval (if isAttrs set.tests && !isDerivation set.tests then set.tests else { });
        in
        if !tests.success then [ ]
        else map
          (name: { inherit name; value = { inherit name; via = via ++ [ "tests" name ]; value = tests.value.${name}; }; })
          (attrNames tests.value);
      # Of two attributes of one name `listToAttrs` keeps the first.
      tests = listToAttrs (concatMap testsIn (holdersOf "tests"));
      testNames = attrNames tests;

      tellTest = { name, via, value }:
        let
          usable = tryEval (isDerivation value);
          gpuCheck = if usable.success && isAttrs value then viaOf value else null;
        in
        tell "test" {
          inherit name via;
          features = if !usable.success then null else if usable.value then readFeatures value else [ ];
          gpuCheck = if gpuCheck == null then null else via ++ gpuCheck;
        };
      from = item.fromTest;
    in
    inOrder [
      (tell "checks" { gpuCheck = viaOf derivation; })
      (tell "tests" { count = length testNames; })
      (inOrder (genList (n: tellTest tests.${elemAt testNames (from + n)}) (
        if from < length testNames then length testNames - from else 0
      )))
    ];
in
if root.problem != null then say { at = "problem"; inherit (root) problem; }
else seq root.value (inOrder (
  [ (say { at = "root"; type = typeOf root.value; }) ]
  ++ genList (n: look n (elemAt asked.items n)) (length asked.items)
))
