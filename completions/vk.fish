# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_vk_global_optspecs
    string join \n h/help V/version
end

function __fish_vk_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_vk_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_vk_using_subcommand
    set -l cmd (__fish_vk_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c vk -n "__fish_vk_needs_command" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_needs_command" -s V -l version -d 'Print version'
complete -c vk -n "__fish_vk_needs_command" -f -a "run" -d 'Run a coding task in this repository'
complete -c vk -n "__fish_vk_needs_command" -f -a "batch" -d 'Run many tasks, several at once, under one payer and one budget'
complete -c vk -n "__fish_vk_needs_command" -f -a "exec" -d 'Run another tool with exactly this project\'s payer'
complete -c vk -n "__fish_vk_needs_command" -f -a "keys" -d 'Store, list and test provider keys; they live in the OS keyring'
complete -c vk -n "__fish_vk_needs_command" -f -a "login" -d 'Log in to an account of yours, without copying a key'
complete -c vk -n "__fish_vk_needs_command" -f -a "logout" -d 'End a login and remove what is stored of it'
complete -c vk -n "__fish_vk_needs_command" -f -a "whoami" -d 'Every credential and plan that is here, and which one pays in this project'
complete -c vk -n "__fish_vk_needs_command" -f -a "use" -d 'Write this project\'s path to vk.toml, keeping its comments'
complete -c vk -n "__fish_vk_needs_command" -f -a "route" -d 'Show who would pay and which model would run; nothing is sent'
complete -c vk -n "__fish_vk_needs_command" -f -a "cost" -d 'What each task cost, and who paid'
complete -c vk -n "__fish_vk_needs_command" -f -a "budget" -d 'What may be spent: by task, day, week, month; what is left of it'
complete -c vk -n "__fish_vk_needs_command" -f -a "import" -d 'Bring what other tools spent into the ledger, from the logs they leave here'
complete -c vk -n "__fish_vk_needs_command" -f -a "ledger" -d 'Copy the ledger into a team\'s database, or back into this machine\'s file'
complete -c vk -n "__fish_vk_needs_command" -f -a "compare" -d 'Your history, or a stated workload, on every path: own keys, plans, gateways, free'
complete -c vk -n "__fish_vk_needs_command" -f -a "tasks" -d 'Tasks that ran here: list, look at, undo'
complete -c vk -n "__fish_vk_needs_command" -f -a "models" -d 'The models vk knows, their prices and where those are from'
complete -c vk -n "__fish_vk_needs_command" -f -a "trust" -d 'Look at this project\'s vk.toml and trust what it chooses'
complete -c vk -n "__fish_vk_needs_command" -f -a "doctor" -d 'What works here and what does not: keyring, sandbox, git, configuration, proxies'
complete -c vk -n "__fish_vk_needs_command" -f -a "demo" -d 'See the real thing work against a rehearsed model, without a key or a network'
complete -c vk -n "__fish_vk_needs_command" -f -a "completions" -d 'Print the completion script of a shell'
complete -c vk -n "__fish_vk_needs_command" -f -a "man" -d 'Print the manual page of every command'
complete -c vk -n "__fish_vk_using_subcommand run" -l path -d 'Whose account pays' -r -f -a "byok\t''
subscription\t''
platform\t''
free\t''"
complete -c vk -n "__fish_vk_using_subcommand run" -l provider -d 'The provider, by a name you have configured' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l model -d 'The model: an alias, an exact id, or fast, balanced, best' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l key -d 'A stored key\'s label, or env:NAME for one run' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l engine -d 'Who runs the loop: vk itself, or the program of a plan; it must be the payer\'s own' -r -f -a "builtin\t'vk\'s own loop, for keys, gateways and free models'
claude\t'The installed claude, on its plan'
codex\t'The installed codex, on its plan'"
complete -c vk -n "__fish_vk_using_subcommand run" -l fallback -d 'Allow one change of payer: FROM->TO=ask or FROM->TO=USD, with provider and key on the right side' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l max-cost -d 'Stop before the task costs more than this many dollars' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l max-turns -d 'Stop after this many model turns' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l timeout -d 'Stop after this long: 90s, 10m, 2h' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l check -d 'A command that must succeed after the work; its failure goes back to the model' -r -f -a "(__fish_complete_command)"
complete -c vk -n "__fish_vk_using_subcommand run" -l check-rounds -d 'How often failed checks go back to the model' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l approve -d 'What is asked about: each write and command, commands only, or nothing inside the sandbox' -r -f -a "ask\t'Each write and each command is asked'
edits\t'Commands are asked'
all\t'Nothing inside the sandbox is asked'"
complete -c vk -n "__fish_vk_using_subcommand run" -l sandbox -d 'What the model\'s commands may write: the workspace, nothing, or anything (no sandbox)' -r -f -a "workspace\t'The project folder can be written'
read-only\t'Nothing can be written'
off\t'No sandbox: commands run with your rights'"
complete -c vk -n "__fish_vk_using_subcommand run" -l allow-network -d 'Let commands reach the package registries, these hosts, or (alone) any host' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l mcp -d 'Use only these MCP servers, or none' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l trust -d 'Trust this project\'s vk.toml if its hash is the one `vk trust --print` gave' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l continue -d 'Go on from the last task of this project, or from that one; the path may differ' -r -f
complete -c vk -n "__fish_vk_using_subcommand run" -l image -d 'Give the model a PNG, JPEG, GIF or WebP file with the task; repeatable' -r -F
complete -c vk -n "__fish_vk_using_subcommand run" -l worktree -d 'Work in a git worktree of its own beside the repository; what of your uncommitted changes comes along' -r -f -a "ask\t'Ask about uncommitted changes; where nobody is there they stay'
carry\t'Take uncommitted changes along'
clean\t'Begin from the last commit'"
complete -c vk -n "__fish_vk_using_subcommand run" -l output -d 'How the result is written' -r -f -a "text\t'The answer on stdout, everything else on stderr'
json\t'One JSON object, at the end'
stream-json\t'One JSON object a line, as things happen'"
complete -c vk -n "__fish_vk_using_subcommand run" -l commit -d 'Commit what the task changed, and nothing of yours, once it is done'
complete -c vk -n "__fish_vk_using_subcommand run" -l pr -d 'Commit, push the branch and open a pull request with gh'
complete -c vk -n "__fish_vk_using_subcommand run" -l dry-run -d 'Show the route and stop before anything is sent'
complete -c vk -n "__fish_vk_using_subcommand run" -l quiet -d 'Say less: the route line, errors and the answer'
complete -c vk -n "__fish_vk_using_subcommand run" -l debug -d 'Write the size, status and time of each request to the model to stderr; never its contents'
complete -c vk -n "__fish_vk_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vk -n "__fish_vk_using_subcommand batch" -l jobs -d 'How many tasks run at once' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l path -d 'Whose account pays' -r -f -a "byok\t''
subscription\t''
platform\t''
free\t''"
complete -c vk -n "__fish_vk_using_subcommand batch" -l provider -d 'The provider, by a name you have configured' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l model -d 'The model: an alias, an exact id, or fast, balanced, best' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l key -d 'A stored key\'s label, or env:NAME for one run' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l engine -d 'Who runs the loop: vk itself, or the program of a plan; it must be the payer\'s own' -r -f -a "builtin\t'vk\'s own loop, for keys, gateways and free models'
claude\t'The installed claude, on its plan'
codex\t'The installed codex, on its plan'"
complete -c vk -n "__fish_vk_using_subcommand batch" -l fallback -d 'Allow one change of payer, in each task: FROM->TO=ask or FROM->TO=USD, with provider and key on the right side' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l max-cost -d 'Stop before the whole batch costs more than this many dollars, all its starts together' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l max-task-cost -d 'Stop a task before it costs more than this many dollars' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l max-turns -d 'Stop a task after this many model turns' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l timeout -d 'Stop a task after this long: 90s, 10m, 2h' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l check -d 'A command that must succeed after each task; its failure goes back to the model' -r -f -a "(__fish_complete_command)"
complete -c vk -n "__fish_vk_using_subcommand batch" -l check-rounds -d 'How often failed checks go back to the model' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l approve -d 'What would be asked about; nobody answers in a batch, so anything but all is refused' -r -f -a "ask\t'Each write and each command is asked'
edits\t'Commands are asked'
all\t'Nothing inside the sandbox is asked'"
complete -c vk -n "__fish_vk_using_subcommand batch" -l sandbox -d 'What the model\'s commands may write: the workspace, nothing, or anything (no sandbox)' -r -f -a "workspace\t'The project folder can be written'
read-only\t'Nothing can be written'
off\t'No sandbox: commands run with your rights'"
complete -c vk -n "__fish_vk_using_subcommand batch" -l allow-network -d 'Let commands reach the package registries, these hosts, or (alone) any host' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l mcp -d 'Use only these MCP servers, or none' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l trust -d 'Trust this project\'s vk.toml if its hash is the one `vk trust --print` gave' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l worktree -d 'What of your uncommitted changes comes along into the tasks\' worktrees; asked once where it is not said' -r -f -a "carry\t'Take uncommitted changes along'
clean\t'Begin from the last commit'"
complete -c vk -n "__fish_vk_using_subcommand batch" -l shard -d 'Take only the I-th of N parts of the file, counted from 1' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l results -d 'Where the results are kept and gone on from (default: beside FILE, as FILE.results.jsonl)' -r -F
complete -c vk -n "__fish_vk_using_subcommand batch" -l id -d 'The batch\'s name: starts with the same name share one cap, on every machine of a team\'s ledger' -r -f
complete -c vk -n "__fish_vk_using_subcommand batch" -l output -d 'How the results are written' -r -f -a "text\t'The answer on stdout, everything else on stderr'
json\t'One JSON object, at the end'
stream-json\t'One JSON object a line, as things happen'"
complete -c vk -n "__fish_vk_using_subcommand batch" -l commit -d 'Commit what each task changed, on its own branch, once it is done'
complete -c vk -n "__fish_vk_using_subcommand batch" -l pr -d 'Commit, push each branch and open a pull request for it with gh'
complete -c vk -n "__fish_vk_using_subcommand batch" -l retry-failed -d 'Run again also the tasks that failed on their own'
complete -c vk -n "__fish_vk_using_subcommand batch" -l dry-run -d 'Show who would pay and which tasks would run, and stop'
complete -c vk -n "__fish_vk_using_subcommand batch" -l quiet -d 'Say less: who pays, errors and the table of the end'
complete -c vk -n "__fish_vk_using_subcommand batch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vk -n "__fish_vk_using_subcommand exec" -l path -d 'Whose account pays' -r -f -a "byok\t''
subscription\t''
platform\t''
free\t''"
complete -c vk -n "__fish_vk_using_subcommand exec" -l provider -d 'The provider, by a name you have configured' -r -f
complete -c vk -n "__fish_vk_using_subcommand exec" -l key -d 'A stored key\'s label, or env:NAME for one run' -r -f
complete -c vk -n "__fish_vk_using_subcommand exec" -l trust -d 'Trust what vk.toml chooses, by the hash of vk trust --print' -r -f
complete -c vk -n "__fish_vk_using_subcommand exec" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand keys; and not __fish_seen_subcommand_from add list test remove default init" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand keys; and not __fish_seen_subcommand_from add list test remove default init" -f -a "add" -d 'Store a key; without a provider, the key\'s prefix names it'
complete -c vk -n "__fish_vk_using_subcommand keys; and not __fish_seen_subcommand_from add list test remove default init" -f -a "list" -d 'The stored keys, never their secrets'
complete -c vk -n "__fish_vk_using_subcommand keys; and not __fish_seen_subcommand_from add list test remove default init" -f -a "test" -d 'Ask the provider, with one free request, whether the key works and whose it is'
complete -c vk -n "__fish_vk_using_subcommand keys; and not __fish_seen_subcommand_from add list test remove default init" -f -a "remove" -d 'Delete a key from the store'
complete -c vk -n "__fish_vk_using_subcommand keys; and not __fish_seen_subcommand_from add list test remove default init" -f -a "default" -d 'Use this key where a provider has several and none is named'
complete -c vk -n "__fish_vk_using_subcommand keys; and not __fish_seen_subcommand_from add list test remove default init" -f -a "init" -d 'Choose where secrets are kept'
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from add" -l label -d 'A name for the key (default: "default")' -r -f
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from add" -l from-env -d 'Read the key from this environment variable, once' -r -f
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from add" -l stdin -d 'Read the key from stdin'
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from list" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from test" -l provider -d 'Whose key, where several providers have that label' -r -f
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from test" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from test" -l accept-address -d 'Bind the key to the address that config.toml now gives its provider'
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from remove" -l provider -d 'Whose key, where several providers have that label' -r -f
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from remove" -l yes -d 'Do not ask'
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from default" -l provider -d 'Whose key, where several providers have that label' -r -f
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from default" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from init" -l file -d 'An age-encrypted file, where there is no OS keyring'
complete -c vk -n "__fish_vk_using_subcommand keys; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand login" -l label -d 'A name for what is stored (default: "default")' -r -f
complete -c vk -n "__fish_vk_using_subcommand login" -l device -d 'codex: show a code to type in a browser on any device'
complete -c vk -n "__fish_vk_using_subcommand login" -l token-stdin -d 'claude: read the token from stdin'
complete -c vk -n "__fish_vk_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vk -n "__fish_vk_using_subcommand logout" -l label -d 'Which of several logins' -r -f
complete -c vk -n "__fish_vk_using_subcommand logout" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand whoami" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand whoami" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand use" -l provider -d 'The provider, by a name you have configured' -r -f
complete -c vk -n "__fish_vk_using_subcommand use" -l model -d 'The model: an alias, an exact id, or fast, balanced, best' -r -f
complete -c vk -n "__fish_vk_using_subcommand use" -l key -d 'A stored key\'s label' -r -f
complete -c vk -n "__fish_vk_using_subcommand use" -l global -d 'Write your own config.toml, for every project'
complete -c vk -n "__fish_vk_using_subcommand use" -l personal -d 'Write your own config.toml, for this project only'
complete -c vk -n "__fish_vk_using_subcommand use" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand route" -l path -d 'Whose account pays' -r -f -a "byok\t''
subscription\t''
platform\t''
free\t''"
complete -c vk -n "__fish_vk_using_subcommand route" -l provider -d 'The provider, by a name you have configured' -r -f
complete -c vk -n "__fish_vk_using_subcommand route" -l model -d 'The model: an alias, an exact id, or fast, balanced, best' -r -f
complete -c vk -n "__fish_vk_using_subcommand route" -l key -d 'A stored key\'s label, or env:NAME for one run' -r -f
complete -c vk -n "__fish_vk_using_subcommand route" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand route" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand cost; and not __fish_seen_subcommand_from show reconcile" -l by -d 'One row for each' -r -f -a "task\t''
session\t''
day\t''
week\t''
month\t''
project\t''
path\t''
model\t''
provider\t''
payer\t''
key\t''
user\t''
tool\t''"
complete -c vk -n "__fish_vk_using_subcommand cost; and not __fish_seen_subcommand_from show reconcile" -l since -d 'From here on: 7d, 12h, 2026-11-01 (UTC)' -r -f
complete -c vk -n "__fish_vk_using_subcommand cost; and not __fish_seen_subcommand_from show reconcile" -l until -d 'Up to the end of this day, or this moment' -r -f
complete -c vk -n "__fish_vk_using_subcommand cost; and not __fish_seen_subcommand_from show reconcile" -l project -d 'Only this project\'s tasks, by its name in the reports' -r -f
complete -c vk -n "__fish_vk_using_subcommand cost; and not __fish_seen_subcommand_from show reconcile" -l output -d 'How it is written' -r -f -a "table\t''
json\t''
csv\t''
markdown\t''
html\t'One page with charts and tables'"
complete -c vk -n "__fish_vk_using_subcommand cost; and not __fish_seen_subcommand_from show reconcile" -l chart -d 'Draw bars, and over time a sparkline'
complete -c vk -n "__fish_vk_using_subcommand cost; and not __fish_seen_subcommand_from show reconcile" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c vk -n "__fish_vk_using_subcommand cost; and not __fish_seen_subcommand_from show reconcile" -f -a "show" -d 'One task, call by call'
complete -c vk -n "__fish_vk_using_subcommand cost; and not __fish_seen_subcommand_from show reconcile" -f -a "reconcile" -d 'Beside what the providers say that they charged; estimated and uncertain calls are settled by it'
complete -c vk -n "__fish_vk_using_subcommand cost; and __fish_seen_subcommand_from show" -l output -d 'How it is written' -r -f -a "table\t''
json\t''
csv\t''
markdown\t''"
complete -c vk -n "__fish_vk_using_subcommand cost; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand cost; and __fish_seen_subcommand_from reconcile" -l since -d 'From here on: 7d, 2026-11-01 (UTC); default: the last 7 days' -r -f
complete -c vk -n "__fish_vk_using_subcommand cost; and __fish_seen_subcommand_from reconcile" -l until -d 'Up to the end of this day, or this moment' -r -f
complete -c vk -n "__fish_vk_using_subcommand cost; and __fish_seen_subcommand_from reconcile" -l from -d 'The provider\'s bill as CSV: a day, a cost and where it has one a model on each line' -r -F
complete -c vk -n "__fish_vk_using_subcommand cost; and __fish_seen_subcommand_from reconcile" -l admin-key -d 'An administrator\'s key for the cost report, from this variable' -r -f
complete -c vk -n "__fish_vk_using_subcommand cost; and __fish_seen_subcommand_from reconcile" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand cost; and __fish_seen_subcommand_from reconcile" -l dry-run -d 'Show the differences and settle nothing'
complete -c vk -n "__fish_vk_using_subcommand cost; and __fish_seen_subcommand_from reconcile" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand budget; and not __fish_seen_subcommand_from list set clear settle" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand budget; and not __fish_seen_subcommand_from list set clear settle" -f -a "list" -d 'Every budget: where it is set, what is spent, held and left of it, and until when'
complete -c vk -n "__fish_vk_using_subcommand budget; and not __fish_seen_subcommand_from list set clear settle" -f -a "set" -d 'Set a budget: yours in config.toml, a project\'s in its vk.toml, a team\'s in the ledger'
complete -c vk -n "__fish_vk_using_subcommand budget; and not __fish_seen_subcommand_from list set clear settle" -f -a "clear" -d 'Take a budget away'
complete -c vk -n "__fish_vk_using_subcommand budget; and not __fish_seen_subcommand_from list set clear settle" -f -a "settle" -d 'Record what an uncertain call cost, as its provider says'
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from list" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from set" -l per -d 'How often it begins anew; windows are calendar windows in UTC' -r -f -a "task\t''
day\t''
week\t''
month\t''"
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from set" -l quota -d 'Plans: no call once this part of a window of the plan is used, like 80%' -r
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from set" -l tasks-day -d 'Plans: at most this many tasks a day (UTC) on one plan' -r
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from set" -l path -d 'One path: byok or platform' -r -f -a "byok\t''
platform\t''"
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from set" -l key -d 'One stored key: its label, or PROVIDER/LABEL' -r -f
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from set" -l project -d 'This project, in its vk.toml'
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from set" -l team -d 'Everyone who uses this ledger'
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from set" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from clear" -l per -d 'Only this one of them' -r -f -a "task\t''
day\t''
week\t''
month\t''"
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from clear" -l path -d 'One path: byok or platform' -r -f -a "byok\t''
platform\t''"
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from clear" -l key -d 'One stored key: its label, or PROVIDER/LABEL' -r -f
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from clear" -l quota -d 'The one on a plan\'s windows'
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from clear" -l tasks-day -d 'The one on a plan\'s tasks a day'
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from clear" -l project -d 'This project, in its vk.toml'
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from clear" -l team -d 'Everyone who uses this ledger'
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from clear" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand budget; and __fish_seen_subcommand_from settle" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand import" -l dir -d 'Look in this folder instead of the usual ones' -r -f -a "(__fish_complete_directories)"
complete -c vk -n "__fish_vk_using_subcommand import" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand import" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand ledger; and not __fish_seen_subcommand_from copy" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand ledger; and not __fish_seen_subcommand_from copy" -f -a "copy" -d 'Copy every row from this machine\'s file into a team\'s database, or back; doing it again changes nothing'
complete -c vk -n "__fish_vk_using_subcommand ledger; and __fish_seen_subcommand_from copy" -l to -d 'postgres (the database of [ledger] url), an address, or sqlite (the file of this machine)' -r -f
complete -c vk -n "__fish_vk_using_subcommand ledger; and __fish_seen_subcommand_from copy" -l from -d 'The address of a database to copy from, where it is not the one of [ledger] url; with --to sqlite' -r -f
complete -c vk -n "__fish_vk_using_subcommand ledger; and __fish_seen_subcommand_from copy" -l key -d 'The password of a database that is given by its address: a stored one\'s label, or env:NAME' -r -f
complete -c vk -n "__fish_vk_using_subcommand ledger; and __fish_seen_subcommand_from copy" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand ledger; and __fish_seen_subcommand_from copy" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand compare" -l since -d 'From here on: 7d, 2026-11-01 (UTC); default: the last 30 days' -r -f
complete -c vk -n "__fish_vk_using_subcommand compare" -l tasks -d 'Instead of the history: so many tasks, 5/week, 2/day, 20/month; a plain number is within a month' -r -f
complete -c vk -n "__fish_vk_using_subcommand compare" -l tokens -d 'The tokens of one task: uncached input, cache reads, output; 100k,900k,15k' -r -f
complete -c vk -n "__fish_vk_using_subcommand compare" -l model -d 'The model of the stated workload: an alias, an id, or VENDOR/ID' -r -f
complete -c vk -n "__fish_vk_using_subcommand compare" -l output -d 'How it is written' -r -f -a "table\t''
json\t''
markdown\t''"
complete -c vk -n "__fish_vk_using_subcommand compare" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand tasks; and not __fish_seen_subcommand_from list show diff undo" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand tasks; and not __fish_seen_subcommand_from list show diff undo" -f -a "list" -d 'The tasks of this project, newest first'
complete -c vk -n "__fish_vk_using_subcommand tasks; and not __fish_seen_subcommand_from list show diff undo" -f -a "show" -d 'One task: its words, route, calls, checks and files'
complete -c vk -n "__fish_vk_using_subcommand tasks; and not __fish_seen_subcommand_from list show diff undo" -f -a "diff" -d 'What a task changed'
complete -c vk -n "__fish_vk_using_subcommand tasks; and not __fish_seen_subcommand_from list show diff undo" -f -a "undo" -d 'Put back what a task changed; files changed since are shown and skipped'
complete -c vk -n "__fish_vk_using_subcommand tasks; and __fish_seen_subcommand_from list" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand tasks; and __fish_seen_subcommand_from list" -l all -d 'Tasks of every project'
complete -c vk -n "__fish_vk_using_subcommand tasks; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand tasks; and __fish_seen_subcommand_from show" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand tasks; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand tasks; and __fish_seen_subcommand_from diff" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand tasks; and __fish_seen_subcommand_from undo" -l force -d 'Also files that were changed after the task'
complete -c vk -n "__fish_vk_using_subcommand tasks; and __fish_seen_subcommand_from undo" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand models; and not __fish_seen_subcommand_from list refresh prices pool" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand models; and not __fish_seen_subcommand_from list refresh prices pool" -f -a "list" -d 'Every known model'
complete -c vk -n "__fish_vk_using_subcommand models; and not __fish_seen_subcommand_from list refresh prices pool" -f -a "refresh" -d 'Read which models are free now, and today\'s prices from models.dev and LiteLLM, checked against each other'
complete -c vk -n "__fish_vk_using_subcommand models; and not __fish_seen_subcommand_from list refresh prices pool" -f -a "prices" -d 'Every price in force, with its source and date'
complete -c vk -n "__fish_vk_using_subcommand models; and not __fish_seen_subcommand_from list refresh prices pool" -f -a "pool" -d 'The free models in the order they are tried: ready, cooling down, or out of use'
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from list" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from list" -l all -d 'Those that their vendor has retired too'
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from refresh" -l from -d 'A copy of models.dev\'s api.json or of LiteLLM\'s price map, instead of the network; both: give it twice' -r -F
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from refresh" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from prices" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from prices" -l diff -d 'Only where what was refreshed is not the bundled price, and which of the two is in force'
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from prices" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from pool" -l lift -d 'Use a model again that reported a cost, as PROVIDER/ID' -r -f
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from pool" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from pool" -l allow-training -d 'In this project, also use models that keep prompts or train on them'
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from pool" -l deny-training -d 'In this project, use no model that keeps prompts or trains on them'
complete -c vk -n "__fish_vk_using_subcommand models; and __fish_seen_subcommand_from pool" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand trust" -l print -d 'Print the hash of what vk.toml chooses and stop'
complete -c vk -n "__fish_vk_using_subcommand trust" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand doctor" -l output -d 'How it is written' -r -f -a "table\t''
json\t''"
complete -c vk -n "__fish_vk_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand demo" -l keep -d 'Keep the demo\'s folder and print where it is'
complete -c vk -n "__fish_vk_using_subcommand demo" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand completions" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand man" -s h -l help -d 'Print help'
complete -c vk -n "__fish_vk_using_subcommand login" -f -a "claude codex openrouter"
complete -c vk -n "__fish_vk_using_subcommand use" -f -a "byok subscription platform free"
complete -c vk -n "__fish_vk_using_subcommand import" -f -a "claude-code codex opencode pi"
complete -c vk -n "__fish_vk_using_subcommand completions" -f -a "bash elvish fish powershell zsh"
