# The root that nix-eval-jobs walks: of our root, what lies at `below`, without loops and functions.
#
# nix-eval-jobs would call functions, and follow a set that contains itself for ever.
shared:
{ request, ... }@given:

let
  inherit (builtins)
    all concatMap elem filter fromJSON head isAttrs isFunction length listToAttrs map mapAttrs tail;

  asked = fromJSON request;
  root = shared.findRoot asked given;
  unique = builtins.foldl' (list: name: if elem name list then list else list ++ [ name ]) [ ];

  prune = ancestors: value:
    if isFunction value then null
    else if !isAttrs value || shared.isDerivation value then value
    else if shared.isMetAgain ancestors value then null
    else if length ancestors >= asked.maxDepth then throw asked.tooDeep
    else mapAttrs (name: prune (ancestors ++ [ { set = value; inherit name; } ])) value;

  # `below` itself is walked in any case; elsewhere `recurseForDerivations` decides, or nothing does (--force-recurse).
  marked = set: set // { recurseForDerivations = true; };
  select = paths: value:
    let
      inner = filter (path: path != [ ]) paths;
      names = filter (name: value ? ${name}) (unique (map head inner));
      tailsOf = name: concatMap (path: if head path == name then [ (tail path) ] else [ ]) inner;
      nested = listToAttrs (map (name: { inherit name; value = select (tailsOf name) value.${name}; }) names);
      whole = if elem [ ] paths then prune [ ] value else { };
    in
    if !isAttrs value || shared.isDerivation value then (if elem [ ] paths then value else { })
    else marked (whole // nested);
in
select asked.below root.value
