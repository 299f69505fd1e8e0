# What nix-eval-jobs is to say of each derivation besides its own words (`--apply`): whether it is an aggregate, of what, and
# whether there may be GPU checks below it, for which our own evaluator then looks.
shared:
derivation:

let
  inherit (builtins) any tryEval;
  holds = { set, ... }: set ? tests || set ? gpuCheck;
in
{
  mayHaveChecks = any holds (shared.checkHolders derivation);
}
// (if shared.isAggregate derivation then { constituents = shared.constituentsOf derivation; } else { })
