//! One connection on a thread of its own: statements go to it, rows come back. The caller waits as it does for a file,
//! whether or not it is itself part of a runtime.

use std::cell::RefCell;
use std::future::{Future as _, poll_fn};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::task::Poll;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row, RowStream};

use super::{Server, ServerError, connect};
use crate::ledger::LedgerError;
use crate::ledger::store::Stop;
use crate::ledger::store::value::{self, Cell, Value};

/// How long the server may take for one answer. It gives up a lock that does not come after half of it.
const LONGEST: Duration = Duration::from_mins(1);
/// Rows that are handed over at once.
const CHUNK: usize = 512;

/// Why a statement has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ledger) enum Fault {
    /// The server said so, with its five-letter code.
    Answer { code: String, message: String },
    /// The connection is gone, and with it what was not committed.
    Lost(String),
}

impl Fault {
    /// A column that holds what no vk writes there.
    pub(super) fn shape(column: usize) -> Self {
        Self::Answer { code: "XX001".to_owned(), message: format!("column {column} holds what vk does not write") }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(answer) = error.as_db_error() else { return Self::Lost(connect::chain(&error)) };
        let message = answer
            .detail()
            .map_or_else(|| answer.message().to_owned(), |detail| format!("{}: {detail}", answer.message()));
        match answer.code().code() {
            // The server is going down, or was told to end this connection.
            "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => Self::Lost(message),
            code => Self::Answer { code: code.to_owned(), message },
        }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// A connection; the thread ends with it.
#[derive(Debug)]
pub(in crate::ledger) struct Session {
    server: Server,
    ask: RefCell<UnboundedSender<Asked>>,
    /// What goes with the next statement, in one way there and back.
    waiting: RefCell<Vec<Statement>>,
    /// Whether nothing of the transaction was answered yet, over a connection that served an earlier one: if it turns
    /// out to be gone, the transaction may begin again over a new one.
    untried: std::cell::Cell<bool>,
}

#[derive(Clone, Debug)]
struct Statement {
    sql: String,
    /// `None`: several statements of no parameters and no rows.
    params: Option<Vec<Param>>,
}

impl Statement {
    /// The parameters are `?1` in the ledger's statements, and `$1` here.
    fn new(sql: &str, params: Option<&[Value<'_>]>) -> Self {
        let params = params.map(|params| params.iter().map(Param::of).collect());
        Self { sql: sql.replace('?', "$"), params }
    }
}

/// Statements in their order; the rows are those of the last one.
struct Asked {
    first: Vec<Statement>,
    last: Statement,
    answer: SyncSender<Answer>,
}

enum Answer {
    Rows(Vec<Row>),
    /// All rows were handed over; so many were changed.
    Done(u64),
    Failed(Fault),
}

impl Session {
    /// Connects, or says why not.
    pub(super) fn open(server: &Server) -> Result<Self, ServerError> {
        let ask = RefCell::new(Self::connect(server)?);
        Ok(Self { server: server.clone(), ask, waiting: RefCell::default(), untried: false.into() })
    }

    fn connect(server: &Server) -> Result<UnboundedSender<Asked>, ServerError> {
        let (ask, asked) = unbounded_channel();
        let (ready, is_ready) = sync_channel(1);
        let server_of = server.clone();
        let thread = std::thread::Builder::new().name("ledger".to_owned());
        let started = thread.spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => {
                    let _ = ready.send(Err(ServerError::unreachable(&server_of, error.to_string())));
                    return;
                }
            };
            runtime.block_on(serve(&server_of, &ready, asked));
        });
        let gone = |why: String| ServerError::unreachable(server, why);
        started.map_err(|error| gone(error.to_string()))?;
        is_ready.recv().map_err(|_| gone("the connection's thread ended".to_owned()))??;
        Ok(ask)
    }

    /// Begins a transaction, with its first statement. `again`: over a connection that served an earlier one.
    pub(super) fn begin(&self, sql: &str, again: bool) {
        *self.waiting.borrow_mut() = vec![Statement::new(sql, None)];
        self.untried.set(again);
    }

    /// Ends a transaction. What happened to one whose connection goes now is not known, so nothing is tried again.
    pub(super) fn end(&self, sql: &str) -> Result<(), Stop> {
        self.untried.set(false);
        self.follow(sql, None, |_| Ok(())).map(drop)
    }

    /// Changes rows, with the next statement.
    pub(in crate::ledger) fn later(&self, sql: &str, params: &[Value<'_>]) {
        self.waiting.borrow_mut().push(Statement::new(sql, Some(params)));
    }

    /// Forgets what waits: its transaction is taken back.
    pub(super) fn forget(&self) {
        self.waiting.borrow_mut().clear();
    }

    /// Changes rows, and gives how many.
    pub(in crate::ledger) fn execute(&self, sql: &str, params: &[Value<'_>]) -> Result<usize, Stop> {
        let changed = self.follow(sql, Some(params), |_| Ok(()))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// Hands every row to `each`.
    pub(in crate::ledger) fn each(
        &self,
        sql: &str,
        params: &[Value<'_>],
        mut each: impl FnMut(&value::Row<'_>) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        self.follow(sql, Some(params), |row| each(&value::Row::Postgres(row))).map(drop)
    }

    fn follow(
        &self,
        sql: &str,
        params: Option<&[Value<'_>]>,
        mut each: impl FnMut(&Row) -> Result<(), Stop>,
    ) -> Result<u64, Stop> {
        let statements = (self.waiting.take(), Statement::new(sql, params));
        let again = self.untried.get().then(|| statements.clone());
        match (self.ask(statements, &mut each), again) {
            (Err(Stop::Fault(Fault::Lost(_))), Some(statements)) if self.untried.take() => {
                *self.ask.borrow_mut() = Self::connect(&self.server).map_err(LedgerError::from)?;
                self.ask(statements, &mut each)
            }
            (outcome, _) => outcome,
        }
    }

    fn ask(
        &self,
        (first, last): (Vec<Statement>, Statement),
        mut each: impl FnMut(&Row) -> Result<(), Stop>,
    ) -> Result<u64, Stop> {
        let (answer, answers) = sync_channel(2);
        let gone = || Stop::from(Fault::Lost("the connection has ended".to_owned()));
        self.ask.borrow().send(Asked { first, last, answer }).map_err(|_| gone())?;
        loop {
            let answer = answers.recv().map_err(|_| gone())?;
            if !matches!(answer, Answer::Failed(Fault::Lost(_))) {
                self.untried.set(false);
            }
            match answer {
                Answer::Rows(rows) => rows.iter().try_for_each(&mut each)?,
                Answer::Done(changed) => return Ok(changed),
                Answer::Failed(fault) => return Err(fault.into()),
            }
        }
    }
}

/// What the thread does: connects, then answers one after the other until nobody asks any more or the connection is gone.
async fn serve(server: &Server, ready: &SyncSender<Result<(), ServerError>>, mut asked: UnboundedReceiver<Asked>) {
    let client = match connect::enter(server).await {
        Ok(client) => client,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    if ready.send(Ok(())).is_err() {
        return;
    }
    while let Some(asked) = asked.recv().await {
        let answered = tokio::time::timeout(LONGEST, answer(&client, &asked)).await;
        let fault = match answered {
            Ok(Ok(changed)) => {
                let _ = asked.answer.send(Answer::Done(changed));
                continue;
            }
            Ok(Err(fault)) => fault,
            Err(_) => Fault::Lost(format!("the server did not answer for {} seconds", LONGEST.as_secs())),
        };
        let is_over = matches!(fault, Fault::Lost(_));
        let _ = asked.answer.send(Answer::Failed(fault));
        if is_over {
            return;
        }
    }
}

async fn answer(client: &Client, asked: &Asked) -> Result<u64, Fault> {
    // All of them leave before the first answer comes. The server takes them in their order, and refuses what follows one
    // that failed; so the first failure is the one that says why.
    let mut under_way = Vec::new();
    for statement in asked.first.iter().chain([&asked.last]) {
        let mut sending = Box::pin(send(client, statement));
        let at_once = poll_fn(|context| Poll::Ready(sending.as_mut().poll(context))).await;
        under_way.push((sending, at_once));
    }
    let mut sent = None;
    for (sending, at_once) in under_way {
        drained(sent.take()).await?;
        sent = match at_once {
            Poll::Ready(sent) => sent?,
            Poll::Pending => sending.await?,
        };
    }
    let Some(rows) = sent else { return Ok(0) };
    let mut rows = std::pin::pin!(rows);
    let mut chunk = Vec::new();
    while let Some(row) = rows.try_next().await? {
        chunk.push(row);
        // Who asked has seen enough where nobody listens.
        if chunk.len() == CHUNK && asked.answer.send(Answer::Rows(std::mem::take(&mut chunk))).is_err() {
            return Ok(0);
        }
    }
    if !chunk.is_empty() {
        let _ = asked.answer.send(Answer::Rows(chunk));
    }
    Ok(rows.rows_affected().unwrap_or(0))
}

/// Sends one, and gives its rows; `None` for a batch, which has none.
async fn send(client: &Client, statement: &Statement) -> Result<Option<RowStream>, Fault> {
    let Some(params) = &statement.params else {
        client.batch_execute(&statement.sql).await?;
        return Ok(None);
    };
    let typed = params.iter().map(|param| (param, param.kind()));
    Ok(Some(client.query_typed_raw(&statement.sql, typed).await?))
}

/// Waits for the end of a statement whose rows nobody wants.
async fn drained(rows: Option<RowStream>) -> Result<(), Fault> {
    let Some(rows) = rows else { return Ok(()) };
    let mut rows = std::pin::pin!(rows);
    while rows.try_next().await?.is_some() {}
    Ok(())
}

/// A parameter on its way to the thread.
#[derive(Clone, Debug)]
enum Param {
    Int(Option<i64>),
    Text(Option<String>),
}

impl Param {
    fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Int(number) => Self::Int(*number),
            // The one character that a text may hold there and not here.
            Value::Text(text) => Self::Text(text.map(|text| text.replace('\0', "\u{fffd}"))),
        }
    }

    const fn kind(&self) -> Type {
        match self {
            Self::Int(_) => Type::INT8,
            Self::Text(_) => Type::TEXT,
        }
    }
}

impl ToSql for Param {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT)
    }

    to_sql_checked!();
}

/// A column as it came: the whole numbers of every width that sums and counts have here, and text.
struct Raw<'r>(Cell<'r>);

impl<'r> FromSql<'r> for Raw<'r> {
    fn from_sql(kind: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(match *kind {
            Type::INT8 => Cell::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Cell::Int(i64::from(i32::from_sql(kind, raw)?)),
            _ => Cell::Text(<&str>::from_sql(kind, raw)?),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Cell::None))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::INT4 | Type::TEXT | Type::VARCHAR | Type::NAME)
    }
}

pub(in crate::ledger) fn cell(row: &Row, at: usize) -> Result<Cell<'_>, Stop> {
    row.try_get::<_, Raw<'_>>(at).map(|raw| raw.0).map_err(|_| Stop::Shape(at))
}
