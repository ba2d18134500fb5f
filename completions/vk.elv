
use builtin;
use str;

set edit:completion:arg-completer[vk] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'vk'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'vk'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand -V 'Print version'
            cand --version 'Print version'
            cand run 'Run a coding task in this repository'
            cand batch 'Run many tasks, several at once, under one payer and one budget'
            cand exec 'Run another tool with exactly this project''s payer'
            cand keys 'Store, list and test provider keys; they live in the OS keyring'
            cand login 'Log in to an account of yours, without copying a key'
            cand logout 'End a login and remove what is stored of it'
            cand whoami 'Every credential and plan that is here, and which one pays in this project'
            cand use 'Write this project''s path to vk.toml, keeping its comments'
            cand route 'Show who would pay and which model would run; nothing is sent'
            cand cost 'What each task cost, and who paid'
            cand budget 'What may be spent: by task, day, week, month; what is left of it'
            cand import 'Bring what other tools spent into the ledger, from the logs they leave here'
            cand ledger 'Copy the ledger into a team''s database, or back into this machine''s file'
            cand compare 'Your history, or a stated workload, on every path: own keys, plans, gateways, free'
            cand tasks 'Tasks that ran here: list, look at, undo'
            cand models 'The models vk knows, their prices and where those are from'
            cand trust 'Look at this project''s vk.toml and trust what it chooses'
            cand doctor 'What works here and what does not: keyring, sandbox, git, configuration, proxies'
            cand demo 'See the real thing work against a rehearsed model, without a key or a network'
            cand completions 'Print the completion script of a shell'
            cand man 'Print the manual page of every command'
        }
        &'vk;run'= {
            cand --path 'Whose account pays'
            cand --provider 'The provider, by a name you have configured'
            cand --model 'The model: an alias, an exact id, or fast, balanced, best'
            cand --key 'A stored key''s label, or env:NAME for one run'
            cand --engine 'Who runs the loop: vk itself, or the program of a plan; it must be the payer''s own'
            cand --fallback 'Allow one change of payer: FROM->TO=ask or FROM->TO=USD, with provider and key on the right side'
            cand --max-cost 'Stop before the task costs more than this many dollars'
            cand --max-turns 'Stop after this many model turns'
            cand --timeout 'Stop after this long: 90s, 10m, 2h'
            cand --check 'A command that must succeed after the work; its failure goes back to the model'
            cand --check-rounds 'How often failed checks go back to the model'
            cand --approve 'What is asked about: each write and command, commands only, or nothing inside the sandbox'
            cand --sandbox 'What the model''s commands may write: the workspace, nothing, or anything (no sandbox)'
            cand --allow-network 'Let commands reach the package registries, these hosts, or (alone) any host'
            cand --mcp 'Use only these MCP servers, or none'
            cand --trust 'Trust this project''s vk.toml if its hash is the one `vk trust --print` gave'
            cand --continue 'Go on from the last task of this project, or from that one; the path may differ'
            cand --image 'Give the model a PNG, JPEG, GIF or WebP file with the task; repeatable'
            cand --worktree 'Work in a git worktree of its own beside the repository; what of your uncommitted changes comes along'
            cand --output 'How the result is written'
            cand --commit 'Commit what the task changed, and nothing of yours, once it is done'
            cand --pr 'Commit, push the branch and open a pull request with gh'
            cand --dry-run 'Show the route and stop before anything is sent'
            cand --quiet 'Say less: the route line, errors and the answer'
            cand --debug 'Write the size, status and time of each request to the model to stderr; never its contents'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'vk;batch'= {
            cand --jobs 'How many tasks run at once'
            cand --path 'Whose account pays'
            cand --provider 'The provider, by a name you have configured'
            cand --model 'The model: an alias, an exact id, or fast, balanced, best'
            cand --key 'A stored key''s label, or env:NAME for one run'
            cand --engine 'Who runs the loop: vk itself, or the program of a plan; it must be the payer''s own'
            cand --fallback 'Allow one change of payer, in each task: FROM->TO=ask or FROM->TO=USD, with provider and key on the right side'
            cand --max-cost 'Stop before the whole batch costs more than this many dollars, all its starts together'
            cand --max-task-cost 'Stop a task before it costs more than this many dollars'
            cand --max-turns 'Stop a task after this many model turns'
            cand --timeout 'Stop a task after this long: 90s, 10m, 2h'
            cand --check 'A command that must succeed after each task; its failure goes back to the model'
            cand --check-rounds 'How often failed checks go back to the model'
            cand --approve 'What would be asked about; nobody answers in a batch, so anything but all is refused'
            cand --sandbox 'What the model''s commands may write: the workspace, nothing, or anything (no sandbox)'
            cand --allow-network 'Let commands reach the package registries, these hosts, or (alone) any host'
            cand --mcp 'Use only these MCP servers, or none'
            cand --trust 'Trust this project''s vk.toml if its hash is the one `vk trust --print` gave'
            cand --worktree 'What of your uncommitted changes comes along into the tasks'' worktrees; asked once where it is not said'
            cand --shard 'Take only the I-th of N parts of the file, counted from 1'
            cand --results 'Where the results are kept and gone on from (default: beside FILE, as FILE.results.jsonl)'
            cand --id 'The batch''s name: starts with the same name share one cap, on every machine of a team''s ledger'
            cand --output 'How the results are written'
            cand --commit 'Commit what each task changed, on its own branch, once it is done'
            cand --pr 'Commit, push each branch and open a pull request for it with gh'
            cand --retry-failed 'Run again also the tasks that failed on their own'
            cand --dry-run 'Show who would pay and which tasks would run, and stop'
            cand --quiet 'Say less: who pays, errors and the table of the end'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'vk;exec'= {
            cand --path 'Whose account pays'
            cand --provider 'The provider, by a name you have configured'
            cand --key 'A stored key''s label, or env:NAME for one run'
            cand --trust 'Trust what vk.toml chooses, by the hash of vk trust --print'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;keys'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand add 'Store a key; without a provider, the key''s prefix names it'
            cand list 'The stored keys, never their secrets'
            cand test 'Ask the provider, with one free request, whether the key works and whose it is'
            cand remove 'Delete a key from the store'
            cand default 'Use this key where a provider has several and none is named'
            cand init 'Choose where secrets are kept'
        }
        &'vk;keys;add'= {
            cand --label 'A name for the key (default: "default")'
            cand --from-env 'Read the key from this environment variable, once'
            cand --stdin 'Read the key from stdin'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;keys;list'= {
            cand --output 'How it is written'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;keys;test'= {
            cand --provider 'Whose key, where several providers have that label'
            cand --output 'How it is written'
            cand --accept-address 'Bind the key to the address that config.toml now gives its provider'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;keys;remove'= {
            cand --provider 'Whose key, where several providers have that label'
            cand --yes 'Do not ask'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;keys;default'= {
            cand --provider 'Whose key, where several providers have that label'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;keys;init'= {
            cand --file 'An age-encrypted file, where there is no OS keyring'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;login'= {
            cand --label 'A name for what is stored (default: "default")'
            cand --device 'codex: show a code to type in a browser on any device'
            cand --token-stdin 'claude: read the token from stdin'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'vk;logout'= {
            cand --label 'Which of several logins'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;whoami'= {
            cand --output 'How it is written'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;use'= {
            cand --provider 'The provider, by a name you have configured'
            cand --model 'The model: an alias, an exact id, or fast, balanced, best'
            cand --key 'A stored key''s label'
            cand --global 'Write your own config.toml, for every project'
            cand --personal 'Write your own config.toml, for this project only'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;route'= {
            cand --path 'Whose account pays'
            cand --provider 'The provider, by a name you have configured'
            cand --model 'The model: an alias, an exact id, or fast, balanced, best'
            cand --key 'A stored key''s label, or env:NAME for one run'
            cand --output 'How it is written'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;cost'= {
            cand --by 'One row for each'
            cand --since 'From here on: 7d, 12h, 2026-11-01 (UTC)'
            cand --until 'Up to the end of this day, or this moment'
            cand --project 'Only this project''s tasks, by its name in the reports'
            cand --output 'How it is written'
            cand --chart 'Draw bars, and over time a sparkline'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand show 'One task, call by call'
            cand reconcile 'Beside what the providers say that they charged; estimated and uncertain calls are settled by it'
        }
        &'vk;cost;show'= {
            cand --output 'How it is written'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;cost;reconcile'= {
            cand --since 'From here on: 7d, 2026-11-01 (UTC); default: the last 7 days'
            cand --until 'Up to the end of this day, or this moment'
            cand --from 'The provider''s bill as CSV: a day, a cost and where it has one a model on each line'
            cand --admin-key 'An administrator''s key for the cost report, from this variable'
            cand --output 'How it is written'
            cand --dry-run 'Show the differences and settle nothing'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;budget'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand list 'Every budget: where it is set, what is spent, held and left of it, and until when'
            cand set 'Set a budget: yours in config.toml, a project''s in its vk.toml, a team''s in the ledger'
            cand clear 'Take a budget away'
            cand settle 'Record what an uncertain call cost, as its provider says'
        }
        &'vk;budget;list'= {
            cand --output 'How it is written'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;budget;set'= {
            cand --per 'How often it begins anew; windows are calendar windows in UTC'
            cand --quota 'Plans: no call once this part of a window of the plan is used, like 80%'
            cand --tasks-day 'Plans: at most this many tasks a day (UTC) on one plan'
            cand --path 'One path: byok or platform'
            cand --key 'One stored key: its label, or PROVIDER/LABEL'
            cand --project 'This project, in its vk.toml'
            cand --team 'Everyone who uses this ledger'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;budget;clear'= {
            cand --per 'Only this one of them'
            cand --path 'One path: byok or platform'
            cand --key 'One stored key: its label, or PROVIDER/LABEL'
            cand --quota 'The one on a plan''s windows'
            cand --tasks-day 'The one on a plan''s tasks a day'
            cand --project 'This project, in its vk.toml'
            cand --team 'Everyone who uses this ledger'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;budget;settle'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;import'= {
            cand --dir 'Look in this folder instead of the usual ones'
            cand --output 'How it is written'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;ledger'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand copy 'Copy every row from this machine''s file into a team''s database, or back; doing it again changes nothing'
        }
        &'vk;ledger;copy'= {
            cand --to 'postgres (the database of [ledger] url), an address, or sqlite (the file of this machine)'
            cand --from 'The address of a database to copy from, where it is not the one of [ledger] url; with --to sqlite'
            cand --key 'The password of a database that is given by its address: a stored one''s label, or env:NAME'
            cand --output 'How it is written'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;compare'= {
            cand --since 'From here on: 7d, 2026-11-01 (UTC); default: the last 30 days'
            cand --tasks 'Instead of the history: so many tasks, 5/week, 2/day, 20/month; a plain number is within a month'
            cand --tokens 'The tokens of one task: uncached input, cache reads, output; 100k,900k,15k'
            cand --model 'The model of the stated workload: an alias, an id, or VENDOR/ID'
            cand --output 'How it is written'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;tasks'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand list 'The tasks of this project, newest first'
            cand show 'One task: its words, route, calls, checks and files'
            cand diff 'What a task changed'
            cand undo 'Put back what a task changed; files changed since are shown and skipped'
        }
        &'vk;tasks;list'= {
            cand --output 'How it is written'
            cand --all 'Tasks of every project'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;tasks;show'= {
            cand --output 'How it is written'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;tasks;diff'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;tasks;undo'= {
            cand --force 'Also files that were changed after the task'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;models'= {
            cand -h 'Print help'
            cand --help 'Print help'
            cand list 'Every known model'
            cand refresh 'Read which models are free now, and today''s prices from models.dev and LiteLLM, checked against each other'
            cand prices 'Every price in force, with its source and date'
            cand pool 'The free models in the order they are tried: ready, cooling down, or out of use'
        }
        &'vk;models;list'= {
            cand --output 'How it is written'
            cand --all 'Those that their vendor has retired too'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;models;refresh'= {
            cand --from 'A copy of models.dev''s api.json or of LiteLLM''s price map, instead of the network; both: give it twice'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;models;prices'= {
            cand --output 'How it is written'
            cand --diff 'Only where what was refreshed is not the bundled price, and which of the two is in force'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;models;pool'= {
            cand --lift 'Use a model again that reported a cost, as PROVIDER/ID'
            cand --output 'How it is written'
            cand --allow-training 'In this project, also use models that keep prompts or train on them'
            cand --deny-training 'In this project, use no model that keeps prompts or trains on them'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;trust'= {
            cand --print 'Print the hash of what vk.toml chooses and stop'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;doctor'= {
            cand --output 'How it is written'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;demo'= {
            cand --keep 'Keep the demo''s folder and print where it is'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;completions'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'vk;man'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
    ]
    $completions[$command]
}
