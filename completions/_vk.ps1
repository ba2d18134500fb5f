
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'vk' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'vk'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'vk' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('run', 'run', [CompletionResultType]::ParameterValue, 'Run a coding task in this repository')
            [CompletionResult]::new('batch', 'batch', [CompletionResultType]::ParameterValue, 'Run many tasks, several at once, under one payer and one budget')
            [CompletionResult]::new('exec', 'exec', [CompletionResultType]::ParameterValue, 'Run another tool with exactly this project''s payer')
            [CompletionResult]::new('keys', 'keys', [CompletionResultType]::ParameterValue, 'Store, list and test provider keys; they live in the OS keyring')
            [CompletionResult]::new('login', 'login', [CompletionResultType]::ParameterValue, 'Log in to an account of yours, without copying a key')
            [CompletionResult]::new('logout', 'logout', [CompletionResultType]::ParameterValue, 'End a login and remove what is stored of it')
            [CompletionResult]::new('whoami', 'whoami', [CompletionResultType]::ParameterValue, 'Every credential and plan that is here, and which one pays in this project')
            [CompletionResult]::new('use', 'use', [CompletionResultType]::ParameterValue, 'Write this project''s path to vk.toml, keeping its comments')
            [CompletionResult]::new('route', 'route', [CompletionResultType]::ParameterValue, 'Show who would pay and which model would run; nothing is sent')
            [CompletionResult]::new('cost', 'cost', [CompletionResultType]::ParameterValue, 'What each task cost, and who paid')
            [CompletionResult]::new('budget', 'budget', [CompletionResultType]::ParameterValue, 'What may be spent: by task, day, week, month; what is left of it')
            [CompletionResult]::new('import', 'import', [CompletionResultType]::ParameterValue, 'Bring what other tools spent into the ledger, from the logs they leave here')
            [CompletionResult]::new('ledger', 'ledger', [CompletionResultType]::ParameterValue, 'Copy the ledger into a team''s database, or back into this machine''s file')
            [CompletionResult]::new('compare', 'compare', [CompletionResultType]::ParameterValue, 'Your history, or a stated workload, on every path: own keys, plans, gateways, free')
            [CompletionResult]::new('tasks', 'tasks', [CompletionResultType]::ParameterValue, 'Tasks that ran here: list, look at, undo')
            [CompletionResult]::new('models', 'models', [CompletionResultType]::ParameterValue, 'The models vk knows, their prices and where those are from')
            [CompletionResult]::new('trust', 'trust', [CompletionResultType]::ParameterValue, 'Look at this project''s vk.toml and trust what it chooses')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'What works here and what does not: keyring, sandbox, git, configuration, proxies')
            [CompletionResult]::new('demo', 'demo', [CompletionResultType]::ParameterValue, 'See the real thing work against a rehearsed model, without a key or a network')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print the manual page of every command')
            break
        }
        'vk;run' {
            [CompletionResult]::new('--path', '--path', [CompletionResultType]::ParameterName, 'Whose account pays')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider, by a name you have configured')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model: an alias, an exact id, or fast, balanced, best')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'A stored key''s label, or env:NAME for one run')
            [CompletionResult]::new('--engine', '--engine', [CompletionResultType]::ParameterName, 'Who runs the loop: vk itself, or the program of a plan; it must be the payer''s own')
            [CompletionResult]::new('--fallback', '--fallback', [CompletionResultType]::ParameterName, 'Allow one change of payer: FROM->TO=ask or FROM->TO=USD, with provider and key on the right side')
            [CompletionResult]::new('--max-cost', '--max-cost', [CompletionResultType]::ParameterName, 'Stop before the task costs more than this many dollars')
            [CompletionResult]::new('--max-turns', '--max-turns', [CompletionResultType]::ParameterName, 'Stop after this many model turns')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop after this long: 90s, 10m, 2h')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'A command that must succeed after the work; its failure goes back to the model')
            [CompletionResult]::new('--check-rounds', '--check-rounds', [CompletionResultType]::ParameterName, 'How often failed checks go back to the model')
            [CompletionResult]::new('--approve', '--approve', [CompletionResultType]::ParameterName, 'What is asked about: each write and command, commands only, or nothing inside the sandbox')
            [CompletionResult]::new('--sandbox', '--sandbox', [CompletionResultType]::ParameterName, 'What the model''s commands may write: the workspace, nothing, or anything (no sandbox)')
            [CompletionResult]::new('--allow-network', '--allow-network', [CompletionResultType]::ParameterName, 'Let commands reach the package registries, these hosts, or (alone) any host')
            [CompletionResult]::new('--mcp', '--mcp', [CompletionResultType]::ParameterName, 'Use only these MCP servers, or none')
            [CompletionResult]::new('--trust', '--trust', [CompletionResultType]::ParameterName, 'Trust this project''s vk.toml if its hash is the one `vk trust --print` gave')
            [CompletionResult]::new('--continue', '--continue', [CompletionResultType]::ParameterName, 'Go on from the last task of this project, or from that one; the path may differ')
            [CompletionResult]::new('--image', '--image', [CompletionResultType]::ParameterName, 'Give the model a PNG, JPEG, GIF or WebP file with the task; repeatable')
            [CompletionResult]::new('--worktree', '--worktree', [CompletionResultType]::ParameterName, 'Work in a git worktree of its own beside the repository; what of your uncommitted changes comes along')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How the result is written')
            [CompletionResult]::new('--commit', '--commit', [CompletionResultType]::ParameterName, 'Commit what the task changed, and nothing of yours, once it is done')
            [CompletionResult]::new('--pr', '--pr', [CompletionResultType]::ParameterName, 'Commit, push the branch and open a pull request with gh')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show the route and stop before anything is sent')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less: the route line, errors and the answer')
            [CompletionResult]::new('--debug', '--debug', [CompletionResultType]::ParameterName, 'Write the size, status and time of each request to the model to stderr; never its contents')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vk;batch' {
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'How many tasks run at once')
            [CompletionResult]::new('--path', '--path', [CompletionResultType]::ParameterName, 'Whose account pays')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider, by a name you have configured')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model: an alias, an exact id, or fast, balanced, best')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'A stored key''s label, or env:NAME for one run')
            [CompletionResult]::new('--engine', '--engine', [CompletionResultType]::ParameterName, 'Who runs the loop: vk itself, or the program of a plan; it must be the payer''s own')
            [CompletionResult]::new('--fallback', '--fallback', [CompletionResultType]::ParameterName, 'Allow one change of payer, in each task: FROM->TO=ask or FROM->TO=USD, with provider and key on the right side')
            [CompletionResult]::new('--max-cost', '--max-cost', [CompletionResultType]::ParameterName, 'Stop before the whole batch costs more than this many dollars, all its starts together')
            [CompletionResult]::new('--max-task-cost', '--max-task-cost', [CompletionResultType]::ParameterName, 'Stop a task before it costs more than this many dollars')
            [CompletionResult]::new('--max-turns', '--max-turns', [CompletionResultType]::ParameterName, 'Stop a task after this many model turns')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Stop a task after this long: 90s, 10m, 2h')
            [CompletionResult]::new('--check', '--check', [CompletionResultType]::ParameterName, 'A command that must succeed after each task; its failure goes back to the model')
            [CompletionResult]::new('--check-rounds', '--check-rounds', [CompletionResultType]::ParameterName, 'How often failed checks go back to the model')
            [CompletionResult]::new('--approve', '--approve', [CompletionResultType]::ParameterName, 'What would be asked about; nobody answers in a batch, so anything but all is refused')
            [CompletionResult]::new('--sandbox', '--sandbox', [CompletionResultType]::ParameterName, 'What the model''s commands may write: the workspace, nothing, or anything (no sandbox)')
            [CompletionResult]::new('--allow-network', '--allow-network', [CompletionResultType]::ParameterName, 'Let commands reach the package registries, these hosts, or (alone) any host')
            [CompletionResult]::new('--mcp', '--mcp', [CompletionResultType]::ParameterName, 'Use only these MCP servers, or none')
            [CompletionResult]::new('--trust', '--trust', [CompletionResultType]::ParameterName, 'Trust this project''s vk.toml if its hash is the one `vk trust --print` gave')
            [CompletionResult]::new('--worktree', '--worktree', [CompletionResultType]::ParameterName, 'What of your uncommitted changes comes along into the tasks'' worktrees; asked once where it is not said')
            [CompletionResult]::new('--shard', '--shard', [CompletionResultType]::ParameterName, 'Take only the I-th of N parts of the file, counted from 1')
            [CompletionResult]::new('--results', '--results', [CompletionResultType]::ParameterName, 'Where the results are kept and gone on from (default: beside FILE, as FILE.results.jsonl)')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'The batch''s name: starts with the same name share one cap, on every machine of a team''s ledger')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How the results are written')
            [CompletionResult]::new('--commit', '--commit', [CompletionResultType]::ParameterName, 'Commit what each task changed, on its own branch, once it is done')
            [CompletionResult]::new('--pr', '--pr', [CompletionResultType]::ParameterName, 'Commit, push each branch and open a pull request for it with gh')
            [CompletionResult]::new('--retry-failed', '--retry-failed', [CompletionResultType]::ParameterName, 'Run again also the tasks that failed on their own')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show who would pay and which tasks would run, and stop')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say less: who pays, errors and the table of the end')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vk;exec' {
            [CompletionResult]::new('--path', '--path', [CompletionResultType]::ParameterName, 'Whose account pays')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider, by a name you have configured')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'A stored key''s label, or env:NAME for one run')
            [CompletionResult]::new('--trust', '--trust', [CompletionResultType]::ParameterName, 'Trust what vk.toml chooses, by the hash of vk trust --print')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;keys' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('add', 'add', [CompletionResultType]::ParameterValue, 'Store a key; without a provider, the key''s prefix names it')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'The stored keys, never their secrets')
            [CompletionResult]::new('test', 'test', [CompletionResultType]::ParameterValue, 'Ask the provider, with one free request, whether the key works and whose it is')
            [CompletionResult]::new('remove', 'remove', [CompletionResultType]::ParameterValue, 'Delete a key from the store')
            [CompletionResult]::new('default', 'default', [CompletionResultType]::ParameterValue, 'Use this key where a provider has several and none is named')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Choose where secrets are kept')
            break
        }
        'vk;keys;add' {
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'A name for the key (default: "default")')
            [CompletionResult]::new('--from-env', '--from-env', [CompletionResultType]::ParameterName, 'Read the key from this environment variable, once')
            [CompletionResult]::new('--stdin', '--stdin', [CompletionResultType]::ParameterName, 'Read the key from stdin')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;keys;list' {
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;keys;test' {
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Whose key, where several providers have that label')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('--accept-address', '--accept-address', [CompletionResultType]::ParameterName, 'Bind the key to the address that config.toml now gives its provider')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;keys;remove' {
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Whose key, where several providers have that label')
            [CompletionResult]::new('--yes', '--yes', [CompletionResultType]::ParameterName, 'Do not ask')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;keys;default' {
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'Whose key, where several providers have that label')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;keys;init' {
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'An age-encrypted file, where there is no OS keyring')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;login' {
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'A name for what is stored (default: "default")')
            [CompletionResult]::new('--device', '--device', [CompletionResultType]::ParameterName, 'codex: show a code to type in a browser on any device')
            [CompletionResult]::new('--token-stdin', '--token-stdin', [CompletionResultType]::ParameterName, 'claude: read the token from stdin')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'vk;logout' {
            [CompletionResult]::new('--label', '--label', [CompletionResultType]::ParameterName, 'Which of several logins')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;whoami' {
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;use' {
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider, by a name you have configured')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model: an alias, an exact id, or fast, balanced, best')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'A stored key''s label')
            [CompletionResult]::new('--global', '--global', [CompletionResultType]::ParameterName, 'Write your own config.toml, for every project')
            [CompletionResult]::new('--personal', '--personal', [CompletionResultType]::ParameterName, 'Write your own config.toml, for this project only')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;route' {
            [CompletionResult]::new('--path', '--path', [CompletionResultType]::ParameterName, 'Whose account pays')
            [CompletionResult]::new('--provider', '--provider', [CompletionResultType]::ParameterName, 'The provider, by a name you have configured')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model: an alias, an exact id, or fast, balanced, best')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'A stored key''s label, or env:NAME for one run')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;cost' {
            [CompletionResult]::new('--by', '--by', [CompletionResultType]::ParameterName, 'One row for each')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'From here on: 7d, 12h, 2026-11-01 (UTC)')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Up to the end of this day, or this moment')
            [CompletionResult]::new('--project', '--project', [CompletionResultType]::ParameterName, 'Only this project''s tasks, by its name in the reports')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('--chart', '--chart', [CompletionResultType]::ParameterName, 'Draw bars, and over time a sparkline')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'One task, call by call')
            [CompletionResult]::new('reconcile', 'reconcile', [CompletionResultType]::ParameterValue, 'Beside what the providers say that they charged; estimated and uncertain calls are settled by it')
            break
        }
        'vk;cost;show' {
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;cost;reconcile' {
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'From here on: 7d, 2026-11-01 (UTC); default: the last 7 days')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Up to the end of this day, or this moment')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'The provider''s bill as CSV: a day, a cost and where it has one a model on each line')
            [CompletionResult]::new('--admin-key', '--admin-key', [CompletionResultType]::ParameterName, 'An administrator''s key for the cost report, from this variable')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Show the differences and settle nothing')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;budget' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Every budget: where it is set, what is spent, held and left of it, and until when')
            [CompletionResult]::new('set', 'set', [CompletionResultType]::ParameterValue, 'Set a budget: yours in config.toml, a project''s in its vk.toml, a team''s in the ledger')
            [CompletionResult]::new('clear', 'clear', [CompletionResultType]::ParameterValue, 'Take a budget away')
            [CompletionResult]::new('settle', 'settle', [CompletionResultType]::ParameterValue, 'Record what an uncertain call cost, as its provider says')
            break
        }
        'vk;budget;list' {
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;budget;set' {
            [CompletionResult]::new('--per', '--per', [CompletionResultType]::ParameterName, 'How often it begins anew; windows are calendar windows in UTC')
            [CompletionResult]::new('--quota', '--quota', [CompletionResultType]::ParameterName, 'Plans: no call once this part of a window of the plan is used, like 80%')
            [CompletionResult]::new('--tasks-day', '--tasks-day', [CompletionResultType]::ParameterName, 'Plans: at most this many tasks a day (UTC) on one plan')
            [CompletionResult]::new('--path', '--path', [CompletionResultType]::ParameterName, 'One path: byok or platform')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'One stored key: its label, or PROVIDER/LABEL')
            [CompletionResult]::new('--project', '--project', [CompletionResultType]::ParameterName, 'This project, in its vk.toml')
            [CompletionResult]::new('--team', '--team', [CompletionResultType]::ParameterName, 'Everyone who uses this ledger')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;budget;clear' {
            [CompletionResult]::new('--per', '--per', [CompletionResultType]::ParameterName, 'Only this one of them')
            [CompletionResult]::new('--path', '--path', [CompletionResultType]::ParameterName, 'One path: byok or platform')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'One stored key: its label, or PROVIDER/LABEL')
            [CompletionResult]::new('--quota', '--quota', [CompletionResultType]::ParameterName, 'The one on a plan''s windows')
            [CompletionResult]::new('--tasks-day', '--tasks-day', [CompletionResultType]::ParameterName, 'The one on a plan''s tasks a day')
            [CompletionResult]::new('--project', '--project', [CompletionResultType]::ParameterName, 'This project, in its vk.toml')
            [CompletionResult]::new('--team', '--team', [CompletionResultType]::ParameterName, 'Everyone who uses this ledger')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;budget;settle' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;import' {
            [CompletionResult]::new('--dir', '--dir', [CompletionResultType]::ParameterName, 'Look in this folder instead of the usual ones')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;ledger' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('copy', 'copy', [CompletionResultType]::ParameterValue, 'Copy every row from this machine''s file into a team''s database, or back; doing it again changes nothing')
            break
        }
        'vk;ledger;copy' {
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'postgres (the database of [ledger] url), an address, or sqlite (the file of this machine)')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'The address of a database to copy from, where it is not the one of [ledger] url; with --to sqlite')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'The password of a database that is given by its address: a stored one''s label, or env:NAME')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;compare' {
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'From here on: 7d, 2026-11-01 (UTC); default: the last 30 days')
            [CompletionResult]::new('--tasks', '--tasks', [CompletionResultType]::ParameterName, 'Instead of the history: so many tasks, 5/week, 2/day, 20/month; a plain number is within a month')
            [CompletionResult]::new('--tokens', '--tokens', [CompletionResultType]::ParameterName, 'The tokens of one task: uncached input, cache reads, output; 100k,900k,15k')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model of the stated workload: an alias, an id, or VENDOR/ID')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;tasks' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'The tasks of this project, newest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'One task: its words, route, calls, checks and files')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'What a task changed')
            [CompletionResult]::new('undo', 'undo', [CompletionResultType]::ParameterValue, 'Put back what a task changed; files changed since are shown and skipped')
            break
        }
        'vk;tasks;list' {
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Tasks of every project')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;tasks;show' {
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;tasks;diff' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;tasks;undo' {
            [CompletionResult]::new('--force', '--force', [CompletionResultType]::ParameterName, 'Also files that were changed after the task')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;models' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'Every known model')
            [CompletionResult]::new('refresh', 'refresh', [CompletionResultType]::ParameterValue, 'Read which models are free now, and today''s prices from models.dev and LiteLLM, checked against each other')
            [CompletionResult]::new('prices', 'prices', [CompletionResultType]::ParameterValue, 'Every price in force, with its source and date')
            [CompletionResult]::new('pool', 'pool', [CompletionResultType]::ParameterValue, 'The free models in the order they are tried: ready, cooling down, or out of use')
            break
        }
        'vk;models;list' {
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('--all', '--all', [CompletionResultType]::ParameterName, 'Those that their vendor has retired too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;models;refresh' {
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'A copy of models.dev''s api.json or of LiteLLM''s price map, instead of the network; both: give it twice')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;models;prices' {
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('--diff', '--diff', [CompletionResultType]::ParameterName, 'Only where what was refreshed is not the bundled price, and which of the two is in force')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;models;pool' {
            [CompletionResult]::new('--lift', '--lift', [CompletionResultType]::ParameterName, 'Use a model again that reported a cost, as PROVIDER/ID')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('--allow-training', '--allow-training', [CompletionResultType]::ParameterName, 'In this project, also use models that keep prompts or train on them')
            [CompletionResult]::new('--deny-training', '--deny-training', [CompletionResultType]::ParameterName, 'In this project, use no model that keeps prompts or trains on them')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;trust' {
            [CompletionResult]::new('--print', '--print', [CompletionResultType]::ParameterName, 'Print the hash of what vk.toml chooses and stop')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;doctor' {
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'How it is written')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;demo' {
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Keep the demo''s folder and print where it is')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vk;man' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
