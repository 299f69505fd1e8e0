# A stand-in for Nixpkgs' `lib`, for tests on machines that cannot have Nixpkgs: as much of the module system as
# nixwarp's modules use, written from its manual. Semantics that the tests rely on are kept: options must be declared,
# definitions are type-checked and merged by priority, conditions may depend on the configuration.
let
  inherit (builtins)
    all
    attrNames
    concatMap
    concatStringsSep
    elem
    filter
    foldl'
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isString
    length
    listToAttrs
    map
    mapAttrs
    match
    replaceStrings
    toJSON
    ;

  kindOf = value: if isAttrs value then value._type or "" else "";
  property = kind: fields: { _type = kind; } // fields;
  optional = condition: value: if condition then [ value ] else [ ];
  unique = foldl' (seen: one: if elem one seen then seen else seen ++ [ one ]) [ ];
  showLoc = concatStringsSep ".";

  # Priorities, as in the manual: a smaller one wins.
  mkOverride = priority: content: property "override" { inherit priority content; };
  ordinary = 100;
  optionDefault = 1500;

  mkIf = condition: content: property "if" { inherit condition content; };
  mkMerge = contents: property "merge" { inherit contents; };

  # The definitions inside properties, with their priorities.
  discharge =
    value:
    let
      kind = kindOf value;
    in
    if kind == "merge" then
      concatMap discharge value.contents
    else if kind == "if" then
      (if value.condition then discharge value.content else [ ])
    else if kind == "override" then
      map (inner: inner // { inherit (value) priority; }) (discharge value.content)
    else
      [
        {
          priority = ordinary;
          inherit value;
        }
      ];

  # Properties around an attribute set, moved to its attributes: which there are is known before any condition is.
  pushDown =
    value:
    let
      kind = kindOf value;
    in
    if kind == "merge" then
      concatMap pushDown value.contents
    else if kind == "if" then
      map (mapAttrs (_: mkIf value.condition)) (pushDown value.content)
    else if kind == "override" then
      map (mapAttrs (_: mkOverride value.priority)) (pushDown value.content)
    else
      [ value ];

  mergeDefinitions =
    loc: type: definitions:
    let
      discharged = concatMap discharge definitions;
      strongest = foldl' (least: one: if one.priority < least then one.priority else least) 10000 discharged;
      values = map (one: one.value) (filter (one: one.priority == strongest) discharged);
      wrong = filter (value: !type.check value) values;
    in
    if values == [ ] then
      type.empty or (throw "The option `${showLoc loc}' was accessed but has no value defined. Try setting the option.")
    else if wrong != [ ] then
      throw "A definition for option `${showLoc loc}' is not of type `${type.name}'."
    else
      type.merge loc values;

  mergeEqual =
    loc: values:
    if all (value: value == builtins.head values) values then
      builtins.head values
    else
      throw "The option `${showLoc loc}' has conflicting definition values.";

  simple = name: check: {
    inherit name check;
    merge = mergeEqual;
  };

  types = rec {
    str = simple "string" isString;
    bool = simple "boolean" isBool;
    int = simple "signed integer" isInt;
    enum = values: simple "one of ${concatStringsSep ", " (map toJSON values)}" (value: elem value values);
    port = ints.between 0 65535 // {
      name = "16 bit unsigned integer; between 0 and 65535 (both inclusive)";
    };
    ints = {
      between = low: high: simple "integer between ${toString low} and ${toString high} (both inclusive)" (
        value: isInt value && value >= low && value <= high
      );
      positive = simple "positive integer, meaning >0" (value: isInt value && value > 0);
      unsigned = simple "unsigned integer, meaning >=0" (value: isInt value && value >= 0);
    };
    lines = simple "strings concatenated with \"\\n\"" isString // {
      merge = _: concatStringsSep "\n";
    };
    strMatching = pattern: simple "string matching the pattern ${pattern}" (
      value: isString value && match pattern value != null
    );
    package = simple "package" (value: value.type or "" == "derivation");
    # A file that is not copied into the store: secrets.
    externalPath = simple "absolute path, not in the Nix store" (
      value: isString value && match "/.*" value != null && match "${builtins.storeDir}/.*" value == null
    );
    raw = simple "raw value" (_: true);
    attrs = simple "attribute set" isAttrs // {
      merge = _: foldl' (left: right: left // right) { };
    };
    oneOf = members: simple "one of several" (value: builtins.any (type: type.check value) members);
    nullOr = type: {
      name = "null or ${type.name}";
      check = value: value == null || type.check value;
      merge =
        loc: values:
        if all (value: value == null) values then
          null
        else
          type.merge loc (filter (value: value != null) values);
    };
    listOf = type: {
      name = "list of ${type.name}";
      check = isList;
      empty = [ ];
      merge =
        loc: values:
        map (one: mergeDefinitions loc type [ one ]) (
          filter (one: discharge one != [ ]) (builtins.concatLists values)
        );
    };
    attrsOf = type: {
      name = "attribute set of ${type.name}";
      check = isAttrs;
      empty = { };
      merge =
        loc: values:
        let
          sets = concatMap pushDown values;
          definitionsOf = name: concatMap (set: optional (set ? ${name}) set.${name}) sets;
          # An attribute whose definitions are all conditional, and false, is none.
          present = filter (name: concatMap discharge (definitionsOf name) != [ ]) (
            unique (concatMap attrNames sets)
          );
        in
        listToAttrs (
          map (name: {
            inherit name;
            value = mergeDefinitions (loc ++ [ name ]) type (definitionsOf name);
          }) present
        );
    };
    submodule = module: {
      name = "submodule";
      check = value: isAttrs value || isFunction value;
      empty = (evalModules { modules = [ module ]; }).config;
      merge =
        loc: values:
        (evalModules {
          modules = [ module ] ++ map (value: { config = value; }) values;
          prefix = loc;
        }).config;
    };
    # Of NixOS' systemd module: lists of several definitions are joined, anything else must be one value.
    unitOption = simple "systemd option" (_: true) // {
      merge =
        loc: values:
        if builtins.any isList values then
          concatMap (value: if isList value then value else [ value ]) values
        else
          mergeEqual loc values;
    };
  };

  mkOption = fields: property "option" fields;

  # Every module with its imports: attribute sets with `options` and `config`.
  collect =
    args: module:
    let
      loaded = if isAttrs module || isFunction module then module else import module;
      value = if isFunction loaded then loaded args else loaded;
      full = value ? options || value ? config;
      unknown = filter (name: !elem name [ "_file" "imports" "options" "config" "freeformType" "meta" ]) (attrNames value);
    in
    if full && unknown != [ ] then
      throw "Module has an unsupported attribute `${builtins.head unknown}'."
    else
      concatMap (collect args) (value.imports or [ ])
      ++ [
        {
          options = value.options or { };
          config = if full then value.config or { } else builtins.removeAttrs value [ "imports" "_file" "freeformType" ];
          freeform = value.freeformType or null;
        }
      ];

  mergeOptions =
    loc: trees:
    listToAttrs (
      map (
        name:
        let
          declared = concatMap (tree: optional (tree ? ${name}) tree.${name}) trees;
          options = filter (one: kindOf one == "option") declared;
        in
        {
          inherit name;
          value =
            if options == [ ] then
              mergeOptions (loc ++ [ name ]) declared
            else if length declared > 1 then
              throw "The option `${showLoc (loc ++ [ name ])}' is declared more than once."
            else
              builtins.head options;
        }
      ) (unique (concatMap attrNames trees))
    );

  valuesOf =
    loc: options: definitions:
    mapAttrs (
      name: option:
      let
        here = concatMap (one: optional (one ? ${name}) one.${name}) definitions;
      in
      if kindOf option == "option" then
        mergeDefinitions (loc ++ [ name ]) option.type (
          here ++ optional (option ? default) (mkOverride optionDefault option.default)
        )
      else
        valuesOf (loc ++ [ name ]) option (concatMap pushDown here)
    ) options;

  undeclared =
    loc: options: definitions:
    concatMap (
      name:
      if !options ? ${name} then
        [ (loc ++ [ name ]) ]
      else if kindOf options.${name} == "option" then
        [ ]
      else
        undeclared (loc ++ [ name ]) options.${name} (
          concatMap (one: if one ? ${name} then pushDown one.${name} else [ ]) definitions
        )
    ) (unique (concatMap attrNames definitions));

  evalModules =
    {
      modules,
      specialArgs ? { },
      prefix ? [ ],
    }:
    let
      args = specialArgs // {
        inherit lib options;
        config = result;
      };
      collected = concatMap (collect args) modules;
      options = mergeOptions prefix (map (one: one.options) collected);
      definitions = concatMap (one: pushDown one.config) collected;
      freeform = filter (type: type != null) (map (one: one.freeform) collected);
      unknown = undeclared prefix options definitions;
      declared = valuesOf prefix options definitions;
      result =
        if freeform != [ ] then
          (builtins.head freeform).merge prefix (map (one: builtins.removeAttrs one (attrNames options)) definitions)
          // declared
        else
          declared;
    in
    {
      inherit options;
      config =
        if freeform == [ ] && unknown != [ ] then
          throw "The option `${showLoc (builtins.head unknown)}' does not exist."
        else
          result;
    };

  lib = {
    inherit
      all
      concatMap
      concatStringsSep
      elem
      evalModules
      mkIf
      mkMerge
      mkOption
      mkOverride
      optional
      replaceStrings
      types
      unique
      ;
    inherit (builtins) any attrValues concatLists isList;
    mapAttrs = mapAttrs;
    mkDefault = mkOverride 1000;
    mkForce = mkOverride 50;
    mkEnableOption = name: mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether to enable ${name}.";
    };
    literalExpression = text: property "literalExpression" { inherit text; };
    optionals = condition: values: if condition then values else [ ];
    optionalAttrs = condition: set: if condition then set else { };
    optionalString = condition: text: if condition then text else "";
    nameValuePair = name: value: { inherit name value; };
    mapAttrs' = f: set: listToAttrs (map (name: f name set.${name}) (attrNames set));
    toList = value: if isList value then value else [ value ];
    imap0 = f: list: builtins.genList (index: f index (builtins.elemAt list index)) (length list);
    concatMapStringsSep = separator: f: list: concatStringsSep separator (map f list);
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    filterAttrs =
      keep: set: builtins.removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
    boolToString = value: if value then "true" else "false";
    concatStrings = concatStringsSep "";
    # As Nixpkgs': ASCII only.
    toLower = replaceStrings (characters "ABCDEFGHIJKLMNOPQRSTUVWXYZ") (characters "abcdefghijklmnopqrstuvwxyz");
    hasPrefix = prefix: text: builtins.substring 0 (builtins.stringLength prefix) text == prefix;
    hasInfix = infix: text: match ".*${replaceStrings [ "." ] [ "\\." ] infix}.*" text != null;
    getExe = package: "${package}/bin/${package.meta.mainProgram or package.name}";
    makeBinPath = packages: concatStringsSep ":" (map (package: "${package}/bin") packages);
    importJSON = path: builtins.fromJSON (builtins.readFile path);
    licenses.mit.spdxId = "MIT";
    fetchers.proxyImpureEnvVars = [ "http_proxy" "https_proxy" "no_proxy" ];
    fileset = {
      unions = paths: paths;
      # What is below one of the paths, and the folders on the way there.
      toSource =
        { root, fileset }:
        {
          files = map toString fileset;
          outPath = builtins.path {
          name = "source";
          path = root;
          filter =
            path: _:
            builtins.any (
              wanted:
              path == toString wanted
              || below path (toString wanted)
              || below (toString wanted) path
            ) fileset;
          };
        };
    };
  };

  characters = text: builtins.genList (at: builtins.substring at 1 text) (builtins.stringLength text);

  below = path: folder: builtins.substring 0 (builtins.stringLength folder + 1) path == "${folder}/";
in
lib
