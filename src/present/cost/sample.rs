//! Made-up reports, and what people see of them.

use jiff::Timestamp;

use super::{Format, Style, report, task};
use crate::base::money::{Rate, Usd};
use crate::domain::cost::CostState;
use crate::domain::usage::Usage;
use crate::ledger::PriceRef;
use crate::ledger::query::{CallRow, CallState, Group, GroupRow, Report, Rows, Spend, TaskRecord, TaskRow};
use crate::present::escape::{columns, is_hidden};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn style(width: Option<u16>) -> Style {
    Style { width, colour: false, unicode: true, now: at("2026-11-25T18:00:00Z") }
}

fn spend(state: CostState, calls: u64, cents: i64, list_cents: i64) -> Spend {
    let usage = Usage {
        input: 1_200 * calls,
        cache_read: 30_000 * calls,
        cache_write_5m: 4_000,
        cache_write_1h: 0,
        output: 800 * calls,
        reasoning: 300,
    };
    let unpriced = if state == CostState::Unknown { calls } else { 0 };
    Spend::of(state, calls, usage, Usd::from_cents(cents), Usd::from_cents(list_cents), unpriced)
}

fn row(id: &str, started_at: &str, words: &str, spend: Spend) -> TaskRow {
    TaskRow {
        task_id: id.to_owned(),
        tool: "vk".to_owned(),
        session: id.to_owned(),
        started_at: at(started_at),
        project: "shop".to_owned(),
        words: words.to_owned(),
        path: "byok".to_owned(),
        provider: "anthropic".to_owned(),
        payer: "you pay Anthropic at list price".to_owned(),
        key_label: Some("client-a".to_owned()),
        model: "claude-sonnet-5-5".to_owned(),
        state: spend.state().unwrap(),
        spend,
        status: "done".to_owned(),
    }
}

fn tasks() -> Report {
    let billed = spend(CostState::Billed, 14, 131, 131);
    let lost = billed + spend(CostState::Unknown, 1, 0, 0);
    let plan = TaskRow {
        path: "subscription".to_owned(),
        provider: "claude".to_owned(),
        payer: "your Claude plan covers it".to_owned(),
        key_label: None,
        ..row("t0vk3j9q2x7f", "2026-11-25T12:00:00Z", "add stripe checkout", spend(CostState::Covered, 9, 0, 480))
    };
    let rows = vec![
        row("t0vk3k1m8r2a", "2026-11-25T17:20:00Z", "=cmd|' /C calc'!A0 | `rm` \x1b[2J\u{202e}\nnow", lost),
        plan,
        row(
            "t0vj9x3c5d4e",
            "2026-11-24T09:05:00Z",
            "fix the parser so that it reads files without a last line feed",
            spend(CostState::Estimated, 3, 12, 12),
        ),
        row("t0u1a2b3c4d5", "2025-12-31T23:59:00Z", "docs", spend(CostState::Unknown, 2, 0, 0)),
    ];
    let total = rows.iter().map(|row| row.spend).sum();
    Report { by: Group::Task, rows: Rows::Tasks(rows), total }
}

fn groups() -> Report {
    let spends = [
        ("shop", spend(CostState::Billed, 1_400, 13_100, 13_100) + spend(CostState::Covered, 9, 0, 480)),
        ("a project with a rather long name that has to give way somewhere", spend(CostState::Free, 3, 0, 12)),
    ];
    let rows: Vec<GroupRow> = spends
        .into_iter()
        .map(|(group, spend)| GroupRow { group: group.to_owned(), state: spend.state().unwrap(), spend })
        .collect();
    let total = rows.iter().map(|row| row.spend).sum();
    Report { by: Group::Project, rows: Rows::Groups(rows), total }
}

#[test]
fn the_table_fits_eighty_columns_and_grows_with_the_terminal() {
    insta::assert_snapshot!(report(&tasks(), Format::Table, style(Some(80))), @r"
    id            task                    payer                    cost  state
    t0vk3k1m8r2a  =cmd|' /C calc…e}\nnow  byok anthropic       >= $1.31  unknown
    t0vk3j9q2x7f  add stripe checkout     subscription claude     $0.00  covered
    t0vj9x3c5d4e  fix the parser…ne feed  byok anthropic         ~$0.12  estimated
    t0u1a2b3c4d5  docs                    byok anthropic              ?  unknown

    billed      $1.31
    estimated  ~$0.12  counted by vk, not reported by the provider
    covered     $4.80  at list price; the plan covers it, nothing was charged
    unknown         ?  3 calls; with them the sum is at least $1.43
    ");
    insta::assert_snapshot!(report(&tasks(), Format::Table, style(Some(120))), @r"
    id            when (UTC)   project  task                               payer                calls      cost  state
    t0vk3k1m8r2a  11-25 17:20  shop     =cmd|' /C calc'!A0 | `…202e}\nnow  byok anthropic          15  >= $1.31  unknown
    t0vk3j9q2x7f  11-25 12:00  shop     add stripe checkout                subscription claude      9     $0.00  covered
    t0vj9x3c5d4e  11-24 09:05  shop     fix the parser so that… line feed  byok anthropic           3    ~$0.12  estimated
    t0u1a2b3c4d5  2025-12-31   shop     docs                               byok anthropic           2         ?  unknown

    billed      $1.31
    estimated  ~$0.12  counted by vk, not reported by the provider
    covered     $4.80  at list price; the plan covers it, nothing was charged
    unknown         ?  3 calls; with them the sum is at least $1.43
    ");
    insta::assert_snapshot!(report(&tasks(), Format::Table, style(None)), @r"
    id            when (UTC)   project  task                                                            payer                key       model              calls      in   cached  to cache     out   at list      cost  state      ended
    t0vk3k1m8r2a  11-25 17:20  shop     =cmd|' /C calc'!A0 | `rm` \x1b[2J\u{202e}\nnow                  byok anthropic       client-a  claude-sonnet-5-5     15  18,000  450,000     8,000  12,000  >= $1.31  >= $1.31  unknown    done
    t0vk3j9q2x7f  11-25 12:00  shop     add stripe checkout                                             subscription claude            claude-sonnet-5-5      9  10,800  270,000     4,000   7,200     $4.80     $0.00  covered    done
    t0vj9x3c5d4e  11-24 09:05  shop     fix the parser so that it reads files without a last line feed  byok anthropic       client-a  claude-sonnet-5-5      3   3,600   90,000     4,000   2,400     $0.12    ~$0.12  estimated  done
    t0u1a2b3c4d5  2025-12-31   shop     docs                                                            byok anthropic       client-a  claude-sonnet-5-5      2   2,400   60,000     4,000   1,600         ?         ?  unknown    done

    billed      $1.31
    estimated  ~$0.12  counted by vk, not reported by the provider
    covered     $4.80  at list price; the plan covers it, nothing was charged
    unknown         ?  3 calls; with them the sum is at least $1.43
    ");
    insta::assert_snapshot!(report(&groups(), Format::Table, style(Some(80))), @"
    project                               calls  at list     cost  state
    shop                                  1,409  $135.80  $131.00  billed, covered
    a project with a rather …y somewhere      3    $0.12    $0.00  free

    billed     $131.00
    covered      $4.80  at list price; the plan covers it, nothing was charged
    free         $0.12  at list price; nobody was charged
    ");
}

#[test]
fn amounts_of_a_table_add_up_as_they_are_read() {
    let nanos = [41_249_000, 4_200_000, 1_310_000_000];
    let spend = |nanos| {
        let usd = Usd::from_nanos(nanos);
        Spend::of(CostState::Billed, 1, Usage::default(), usd, usd, 0)
    };
    let mut rows: Vec<TaskRow> = nanos.map(|nanos| row("t1", "2026-11-25T12:00:00Z", "x", spend(nanos))).into();
    rows.push(row("t2", "2026-11-25T12:00:00Z", "x", self::spend(CostState::Covered, 1, 0, 480)));
    let total = rows.iter().map(|row| row.spend).sum();
    let report =
        self::report(&Report { by: Group::Task, rows: Rows::Tasks(rows), total }, Format::Table, style(Some(60)));
    insta::assert_snapshot!(report, @"
    id  when (UTC)   task  payer              cost  state
    t1  11-25 12:00  x     byok anthropic  $0.0412  billed
    t1  11-25 12:00  x     byok anthropic  $0.0042  billed
    t1  11-25 12:00  x     byok anthropic  $1.3100  billed
    t2  11-25 12:00  x     byok anthropic  $0.0000  covered

    billed     $1.3554
    covered    $4.8000  at list price; the plan covers it, nothing was charged
    ");
}

#[test]
fn no_line_is_wider_than_the_terminal_and_nothing_hidden_is_shown() {
    for width in 48..200 {
        for shown in [tasks(), groups()].map(|r| report(&r, Format::Table, style(Some(width)))) {
            let table = shown.split("\n\n").next().unwrap();
            for line in table.lines() {
                assert!(columns(line) <= usize::from(width), "{width}: {line}");
            }
            assert!(!shown.contains(|c| is_hidden(c) && c != '\n'));
        }
    }
}

#[test]
fn colour_adds_to_the_words_and_replaces_none() {
    let style = style(Some(100));
    let plain = report(&tasks(), Format::Table, style);
    let coloured = report(&tasks(), Format::Table, Style { colour: true, ..style });
    assert!(coloured.contains("\x1b["), "{coloured:?}");
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&console::strip_ansi_codes(&coloured)), words(&plain));
}

#[test]
fn scripts_see_exactly_the_fields_of_the_contract() {
    insta::assert_snapshot!(report(&tasks(), Format::Json, style(None)), @r#"{"rows":[{"task_id":"t0vk3k1m8r2a","tool":"vk","session":"t0vk3k1m8r2a","started_at":"2026-11-25T17:20:00.000Z","project":"shop","path":"byok","provider":"anthropic","payer":"you pay Anthropic at list price","key_label":"client-a","model":"claude-sonnet-5-5","calls":15,"usage":{"input":18000,"cache_read":450000,"cache_write_5m":8000,"cache_write_1h":0,"output":12000,"reasoning":600},"list_usd":null,"billed_usd":null,"cost_state":"unknown","status":"done"},{"task_id":"t0vk3j9q2x7f","tool":"vk","session":"t0vk3j9q2x7f","started_at":"2026-11-25T12:00:00.000Z","project":"shop","path":"subscription","provider":"claude","payer":"your Claude plan covers it","key_label":null,"model":"claude-sonnet-5-5","calls":9,"usage":{"input":10800,"cache_read":270000,"cache_write_5m":4000,"cache_write_1h":0,"output":7200,"reasoning":300},"list_usd":"4.80","billed_usd":"0.00","cost_state":"covered","status":"done"},{"task_id":"t0vj9x3c5d4e","tool":"vk","session":"t0vj9x3c5d4e","started_at":"2026-11-24T09:05:00.000Z","project":"shop","path":"byok","provider":"anthropic","payer":"you pay Anthropic at list price","key_label":"client-a","model":"claude-sonnet-5-5","calls":3,"usage":{"input":3600,"cache_read":90000,"cache_write_5m":4000,"cache_write_1h":0,"output":2400,"reasoning":300},"list_usd":"0.12","billed_usd":"0.12","cost_state":"estimated","status":"done"},{"task_id":"t0u1a2b3c4d5","tool":"vk","session":"t0u1a2b3c4d5","started_at":"2025-12-31T23:59:00.000Z","project":"shop","path":"byok","provider":"anthropic","payer":"you pay Anthropic at list price","key_label":"client-a","model":"claude-sonnet-5-5","calls":2,"usage":{"input":2400,"cache_read":60000,"cache_write_5m":4000,"cache_write_1h":0,"output":1600,"reasoning":300},"list_usd":null,"billed_usd":null,"cost_state":"unknown","status":"done"}],"totals":{"billed":"1.31","estimated":"0.12","covered_list":"4.80","free_list":"0.00","unknown_calls":3}}"#);
    insta::assert_snapshot!(report(&groups(), Format::Json, style(None)), @r#"{"rows":[{"group":"shop","calls":1409,"usage":{"input":1690800,"cache_read":42270000,"cache_write_5m":8000,"cache_write_1h":0,"output":1127200,"reasoning":600},"list_usd":"135.80","billed_usd":"131.00","cost_state":"billed"},{"group":"a project with a rather long name that has to give way somewhere","calls":3,"usage":{"input":3600,"cache_read":90000,"cache_write_5m":4000,"cache_write_1h":0,"output":2400,"reasoning":300},"list_usd":"0.12","billed_usd":"0.00","cost_state":"free"}],"totals":{"billed":"131.00","estimated":"0.00","covered_list":"4.80","free_list":"0.12","unknown_calls":0}}"#);
    insta::assert_snapshot!(report(&Report::empty(Group::Day), Format::Json, style(None)), @r#"{"rows":[],"totals":{"billed":"0.00","estimated":"0.00","covered_list":"0.00","free_list":"0.00","unknown_calls":0}}"#);
}

#[test]
fn spreadsheets_and_pages_see_every_field_as_text() {
    insta::assert_snapshot!(report(&tasks(), Format::Csv, style(None)).replace('\r', ""), @r"
    task_id,tool,session,started_at,project,task,path,provider,payer,key_label,model,calls,input,cache_read,cache_write_5m,cache_write_1h,output,reasoning,list_usd,billed_usd,cost_state,status
    t0vk3k1m8r2a,vk,t0vk3k1m8r2a,2026-11-25T17:20:00.000Z,shop,'=cmd|' /C calc'!A0 | `rm` \x1b[2J\u{202e}\nnow,byok,anthropic,you pay Anthropic at list price,client-a,claude-sonnet-5-5,15,18000,450000,8000,0,12000,600,,,unknown,done
    t0vk3j9q2x7f,vk,t0vk3j9q2x7f,2026-11-25T12:00:00.000Z,shop,add stripe checkout,subscription,claude,your Claude plan covers it,,claude-sonnet-5-5,9,10800,270000,4000,0,7200,300,4.80,0.00,covered,done
    t0vj9x3c5d4e,vk,t0vj9x3c5d4e,2026-11-24T09:05:00.000Z,shop,fix the parser so that it reads files without a last line feed,byok,anthropic,you pay Anthropic at list price,client-a,claude-sonnet-5-5,3,3600,90000,4000,0,2400,300,0.12,0.12,estimated,done
    t0u1a2b3c4d5,vk,t0u1a2b3c4d5,2025-12-31T23:59:00.000Z,shop,docs,byok,anthropic,you pay Anthropic at list price,client-a,claude-sonnet-5-5,2,2400,60000,4000,0,1600,300,,,unknown,done
    ");
    insta::assert_snapshot!(report(&groups(), Format::Markdown, style(None)), @r"
    | project | calls | input | cache\_read | cache\_write\_5m | cache\_write\_1h | output | reasoning | list\_usd | billed\_usd | cost\_state |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
    | shop | 1409 | 1690800 | 42270000 | 8000 | 0 | 1127200 | 600 | 135.80 | 131.00 | billed |
    | a project with a rather long name that has to give way somewhere | 3 | 3600 | 90000 | 4000 | 0 | 2400 | 300 | 0.12 | 0.00 | free |

    - billed \$131.00
    - covered \$4.80 at list price; the plan covers it, nothing was charged
    - free \$0.12 at list price; nobody was charged
    ");
    insta::assert_snapshot!(report(&tasks(), Format::Markdown, style(None)), @r"
    | task\_id | tool | session | started\_at | project | task | path | provider | payer | key\_label | model | calls | input | cache\_read | cache\_write\_5m | cache\_write\_1h | output | reasoning | list\_usd | billed\_usd | cost\_state | status |
    | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |
    | t0vk3k1m8r2a | vk | t0vk3k1m8r2a | 2026-11-25T17:20:00.000Z | shop | =cmd\|' /C calc'\!A0 \| \`rm\` \\x1b\[2J\\u{202e}\\nnow | byok | anthropic | you pay Anthropic at list price | client-a | claude-sonnet-5-5 | 15 | 18000 | 450000 | 8000 | 0 | 12000 | 600 | ? | ? | unknown | done |
    | t0vk3j9q2x7f | vk | t0vk3j9q2x7f | 2026-11-25T12:00:00.000Z | shop | add stripe checkout | subscription | claude | your Claude plan covers it |  | claude-sonnet-5-5 | 9 | 10800 | 270000 | 4000 | 0 | 7200 | 300 | 4.80 | 0.00 | covered | done |
    | t0vj9x3c5d4e | vk | t0vj9x3c5d4e | 2026-11-24T09:05:00.000Z | shop | fix the parser so that it reads files without a last line feed | byok | anthropic | you pay Anthropic at list price | client-a | claude-sonnet-5-5 | 3 | 3600 | 90000 | 4000 | 0 | 2400 | 300 | 0.12 | 0.12 | estimated | done |
    | t0u1a2b3c4d5 | vk | t0u1a2b3c4d5 | 2025-12-31T23:59:00.000Z | shop | docs | byok | anthropic | you pay Anthropic at list price | client-a | claude-sonnet-5-5 | 2 | 2400 | 60000 | 4000 | 0 | 1600 | 300 | ? | ? | unknown | done |

    - billed \$1.31
    - estimated \~\$0.12 counted by vk, not reported by the provider
    - covered \$4.80 at list price; the plan covers it, nothing was charged
    - unknown ? 3 calls; with them the sum is at least \$1.43
    ");
    let csv = report(&tasks(), Format::Csv, style(None));
    assert_eq!(csv.matches("\r\n").count(), 5);
    assert_eq!(csv.matches('\n').count(), 5);
}

fn call(call_no: u32, attempt_no: u32) -> CallRow {
    CallRow {
        attempt_id: format!("t0vk3k1m8r2a-{call_no}.{attempt_no}"),
        call_no,
        attempt_no,
        state: CallState::Settled,
        path: "byok".to_owned(),
        provider: "anthropic".to_owned(),
        payer: "you pay Anthropic at list price".to_owned(),
        key_label: Some("client-a".to_owned()),
        key_fingerprint: Some("1a2b3c4d".to_owned()),
        model: "claude-sonnet-5-5".to_owned(),
        sent_at: at("2026-11-25T17:20:07Z"),
        hold: Usd::from_cents(40),
        cost_state: CostState::Billed,
        billed: Some(Usd::from_cents(9)),
        list: Some(Usd::from_cents(9)),
        proof: "verified".to_owned(),
        usage: spend(CostState::Billed, 1, 0, 0).usage,
        price: Some(PriceRef {
            source: "https://claude.com/pricing".to_owned(),
            as_of: "2026-11-20".to_owned(),
            hash: "5f3a9c01d2e3f4".to_owned(),
        }),
        markup: Rate::ZERO,
        outcome: Some("ok".to_owned()),
        http_status: Some(200),
        retry_after_ms: None,
        response_id: Some("msg_01".to_owned()),
        request_id: Some("req_011CT\x1b[31m".to_owned()),
        organization: Some("org-1".to_owned()),
        duration_ms: Some(4_200),
    }
}

fn one_task() -> (TaskRecord, Vec<CallRow>) {
    let overloaded = CallRow {
        billed: Some(Usd::ZERO),
        list: Some(Usd::ZERO),
        usage: Usage::default(),
        outcome: Some("overloaded".to_owned()),
        http_status: Some(529),
        proof: "claimed".to_owned(),
        ..call(2, 1)
    };
    let gateway = CallRow {
        path: "platform".to_owned(),
        provider: "openrouter".to_owned(),
        markup: Rate::from_ppm(55_000),
        cost_state: CostState::Estimated,
        ..call(2, 2)
    };
    let lost = CallRow {
        state: CallState::Uncertain,
        cost_state: CostState::Unknown,
        billed: None,
        list: None,
        usage: Usage::default(),
        outcome: Some("lost".to_owned()),
        http_status: None,
        duration_ms: None,
        request_id: None,
        proof: "claimed".to_owned(),
        ..call(3, 1)
    };
    let live = CallRow { state: CallState::Live, outcome: None, ..lost.clone() };
    let live = CallRow { call_no: 4, ..live };
    let spends = [(CostState::Billed, 2, 9), (CostState::Estimated, 1, 9), (CostState::Unknown, 1, 0)];
    let row = row("t0vk3k1m8r2a", "2026-11-25T17:20:00Z", "add \x1b[2Jcheckout", spend(CostState::Billed, 1, 0, 0));
    let record = TaskRecord {
        task_id: row.task_id,
        tool: row.tool,
        session: row.session,
        user: "ann".to_owned(),
        project: row.project,
        project_dir: "/home/ann/shop".into(),
        words: row.words,
        path: row.path,
        provider: row.provider,
        payer: row.payer,
        key_label: row.key_label,
        key_fingerprint: Some("1a2b3c4d".to_owned()),
        model: row.model,
        engine: "builtin".to_owned(),
        cap: Some(Usd::from_cents(500)),
        started_at: row.started_at,
        finished_at: Some(at("2026-11-25T17:21:05Z")),
        status: "budget".to_owned(),
        exit_code: Some(5),
        turns: Some(4),
        files_changed: Some(2),
        summary: None,
        spend: spends.into_iter().map(|(state, calls, cents)| spend(state, calls, cents, cents)).sum(),
    };
    (record, vec![call(1, 1), overloaded, gateway, lost, live])
}

#[test]
fn a_task_is_shown_call_by_call_with_its_prices() {
    let (record, calls) = one_task();
    insta::assert_snapshot!(task(&record, &calls, &[], Format::Table, style(Some(100))), @r"
    t0vk3k1m8r2a · 11-25 17:20 UTC · shop · budget (exit 5) after 1m 05s
    add \x1b[2Jcheckout
    byok · anthropic · claude-sonnet-5-5 · key client-a 1a2b3c4d · you pay Anthropic at list price
    >= $0.18 of $5.00 at most

    call     payer                   in  cached  out        cost  state      proof     outcome
    1        byok anthropic       1,200  30,000  800       $0.09  billed     verified  ok
    2        byok anthropic           0       0    0       $0.00  billed     claimed   overloaded 529
    2 try 2  platform openrouter  1,200  30,000  800      ~$0.09  estimated  verified  ok
    3        byok anthropic           0       0    0  ? <= $0.40  uncertain            lost
    4        byok anthropic           0       0    0    <= $0.40  under way

    billed      $0.09
    estimated  ~$0.09  counted by vk, not reported by the provider
    unknown         ?  1 call; with them the sum is at least $0.18
    price: claude-sonnet-5-5 at https://claude.com/pricing as of 2026-11-20 (5f3a9c01d2e3)
    price: claude-sonnet-5-5 at https://claude.com/pricing as of 2026-11-20 (5f3a9c01d2e3) plus 5.5%
      markup
    ");
    insta::assert_snapshot!(task(&record, &[], &[], Format::Table, style(Some(80))), @r"
    t0vk3k1m8r2a · 11-25 17:20 UTC · shop · budget (exit 5) after 1m 05s
    add \x1b[2Jcheckout
    byok · anthropic · claude-sonnet-5-5 · key client-a 1a2b3c4d · you pay
      Anthropic at list price
    >= $0.18 of $5.00 at most

    No call was made.
    ");
    let json: serde_json::Value = serde_json::from_str(&task(&record, &calls, &[], Format::Json, style(None))).unwrap();
    assert_eq!(json["calls"].as_array().unwrap().len(), 5);
    assert_eq!(json["billed_usd"], serde_json::Value::Null);
    assert_eq!(json["calls"][1]["billed_usd"], "0.00");
    assert_eq!(json["calls"][3]["billed_usd"], serde_json::Value::Null);
    insta::assert_snapshot!(task(&record, &calls[..1], &[], Format::Csv, style(None)).replace('\r', ""), @r"
    attempt_id,call,attempt,state,sent_at,path,provider,payer,key_label,model,input,cache_read,cache_write_5m,cache_write_1h,output,reasoning,list_usd,billed_usd,cost_state,proof,outcome,http_status,request_id,price_source,price_as_of,duration_ms
    t0vk3k1m8r2a-1.1,1,1,settled,2026-11-25T17:20:07.000Z,byok,anthropic,you pay Anthropic at list price,client-a,claude-sonnet-5-5,1200,30000,4000,0,800,300,0.09,0.09,billed,verified,ok,200,req_011CT\x1b[31m,https://claude.com/pricing,2026-11-20,4200
    ");
}

fn days() -> Report {
    let row = |group: &str, spend: Spend| GroupRow { group: group.to_owned(), state: spend.state().unwrap(), spend };
    let rows = vec![
        row("2026-11-25", spend(CostState::Billed, 3, 100, 100)),
        row("2026-11-24", spend(CostState::Covered, 9, 0, 480)),
        row("2026-11-21", spend(CostState::Billed, 2, 25, 25) + spend(CostState::Unknown, 1, 0, 0)),
    ];
    let total = rows.iter().map(|row| row.spend).sum();
    Report { by: Group::Day, rows: Rows::Groups(rows), total }
}

#[test]
fn a_chart_tells_what_was_charged_from_what_a_plan_covered() {
    insta::assert_snapshot!(super::chart(&days(), style(Some(60))), @"
    ▁  █▁
    2026-11-21 to 2026-11-25, a day each

    2026-11-25 ███████▉                                   $1.00
    2026-11-24 ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░     $0.00
    2026-11-21 █▉                                      >= $0.25

    █ charged  ░ the rest at list price

    billed     $1.25
    covered    $4.80  at list price; the plan covers it, nothing was charged
    unknown        ?  1 call; with them the sum is at least $1.25
    ");
    let plain = Style { unicode: false, ..style(Some(40)) };
    assert!(super::chart(&days(), plain).is_ascii());
    let narrow = super::chart(&tasks(), style(Some(40)));
    assert!(narrow.lines().take(4).all(|line| columns(line) <= 40), "{narrow}");
    assert!(super::chart(&Report::empty(Group::Day), style(None)).contains("charged"));
}

#[test]
fn a_page_stands_alone_and_runs_nothing() {
    let mut hostile = tasks();
    if let Rows::Tasks(rows) = &mut hostile.rows {
        rows[0].words = "<script>alert(1)</script>\" onload='x' &amp; \u{202e}".to_owned();
    }
    let page = super::page(&hostile, &[days()], style(None));
    assert!(!page.contains("<script") && !page.contains("onload='") && !page.contains('\u{202e}'), "{page}");
    assert!(!page.contains("http://") && !page.contains("https://"), "nothing is fetched");
    let drawn: Vec<&str> = page.lines().filter(|line| line.contains("<rect")).collect();
    assert_eq!(drawn.len(), 3);
    // $1.00 charged of $4.80 at most: 125 of 600.
    assert!(drawn[0].contains("width=\"125\""), "{}", drawn[0]);
    assert!(drawn[1].contains("class=\"l\" x=\"220\" y=\"26\" width=\"600\"") && drawn[1].contains("width=\"0\""));
}
