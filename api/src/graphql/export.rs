//! Exports: files that are made in the background and fetched by a link.

pub mod member;
pub mod operations;

use amvaj_domain::export;
use amvaj_domain::id::ExportId;
use amvaj_domain::sealed::hex;
use async_graphql::{Context, Enum, ID, MergedObject, Object, Result};

use super::connection::{PageArguments, connection};
use super::context::{app, author, identity};
use super::error::fault;
use super::global_id::GlobalId;
use super::scalar::{DateTime, FileSize};
use crate::app::exports::{self, ExportRefused};
use crate::http::download;

/// What an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ExportKind {
    /// Operations (`exportOperations`).
    Operations,
    /// All that is held about a member (`exportMember`).
    Member,
}

/// Why a file could not be made. The operator finds more in the log of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "export::ExportFailure")]
pub enum ExportFailure {
    /// Something that belongs into it is stored in a way that cannot be read: the operator has to mend it first.
    Unreadable,
    /// Writing it failed again and again. Ask for it anew, and tell the operator when that fails too.
    Broken,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "export::ExportFormat")]
pub enum ExportFormat {
    /// Comma-separated values after RFC 4180, in UTF-8, with a line of names at the top. A text that a spreadsheet would
    /// take for a formula begins with an apostrophe.
    Csv,
    /// One JSON object on each line.
    JsonLines,
}

/// What became of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "export::ExportStatus")]
pub enum ExportStatus {
    /// It waits for its turn.
    Queued,
    /// A part is written; `rowsDone` tells how much.
    Running,
    /// The file can be fetched at `url`.
    Done,
    /// It cannot be made; `failure` tells why. Nothing of it can be fetched.
    Failed,
    /// The file was there for a day and is gone: ask for another.
    Expired,
}

connection! {
    /// Exports, a page at a time, in the order in which they were asked for.
    ExportConnection, ExportEdge, Export
}

/// A file that is made in the background and fetched by a link.
#[derive(Debug, Clone)]
pub struct Export(pub export::Export);

/// Queries about exports.
#[derive(Default)]
pub struct ExportQueries;

/// Mutations of exports.
#[derive(Default, MergedObject)]
pub struct ExportMutations(operations::ExportOperationsMutation, member::ExportMemberMutation);

impl Export {
    /// The export of this id, for those who see it.
    pub async fn find(ctx: &Context<'_>, id: ExportId) -> Result<Option<Self>> {
        Ok(exports::find(app(ctx)?, identity(ctx)?, id).await.map_err(fault)?.map(Self))
    }
}

/// A file that is made in the background and fetched by a link. It is made page by page, so it may have millions of rows.
#[Object]
impl Export {
    /// The export's global id.
    pub async fn id(&self) -> ID {
        GlobalId::Export(self.0.id).write()
    }

    /// What it holds.
    async fn kind(&self) -> ExportKind {
        match self.0.of {
            export::ExportOf::Operations(_) => ExportKind::Operations,
            export::ExportOf::Member(..) => ExportKind::Member,
        }
    }

    /// How the file is written.
    async fn format(&self) -> ExportFormat {
        self.0.format.into()
    }

    /// What became of it.
    async fn status(&self, ctx: &Context<'_>) -> Result<ExportStatus> {
        Ok(self.0.status(app(ctx)?.now()).into())
    }

    /// Why it cannot be made; null unless its status is `FAILED`.
    async fn failure(&self) -> Option<ExportFailure> {
        self.0.failure.map(ExportFailure::from)
    }

    /// Where the file ends: what was recorded before this moment is in it, and nothing else. A file that begins here (`from`)
    /// adjoins it, and no operation is in neither of the two or in both.
    async fn until(&self) -> DateTime {
        DateTime(self.0.until)
    }

    /// Rows that are written so far, without the line of names.
    async fn rows_done(&self) -> i32 {
        i32::try_from(self.0.rows_done).unwrap_or(i32::MAX)
    }

    /// About how many rows there will be; null until they are counted, and when there are so many that it takes too long.
    async fn rows_total(&self) -> Option<i32> {
        self.0.rows_total.map(|rows| i32::try_from(rows).unwrap_or(i32::MAX))
    }

    /// Bytes that are written so far.
    async fn size(&self) -> FileSize {
        self.0.size.into()
    }

    /// SHA-256 of the whole file, in hexadecimal digits; null until it is done.
    async fn sha256(&self) -> Option<String> {
        self.0.sha256.as_deref().map(hex)
    }

    /// Where the file is fetched with GET, without a token: an address below this server's, such as `/exports/…`. It is good
    /// for 15 minutes, unless you are blocked, logged out or given other rights before; ask again for a new one. Whoever has
    /// it can fetch the file, so keep it to yourself. Null unless the export is done.
    async fn url(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        let app = app(ctx)?;
        let link = exports::link(app, identity(ctx)?, &author(ctx)?, &self.0).await.map_err(fault)?;
        Ok(link.map(|link| download::path(&link, &app.credentials.secret)))
    }

    /// When it was asked for.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// When the file was whole, or when it turned out that it cannot be made; null before.
    async fn finished_at(&self) -> Option<DateTime> {
        self.0.finished_at.map(DateTime)
    }

    /// When the file goes, a day after it was done; null before.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }
}

#[Object]
impl ExportQueries {
    /// The export of this id: ask again until its status is `DONE`. Null when there is none, or none that the caller sees.
    async fn export(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The export's global id.")] id: ID,
    ) -> Result<Option<Export>> {
        match GlobalId::read(&id) {
            Some(GlobalId::Export(id)) => Export::find(ctx, id).await,
            _ => Ok(None),
        }
    }

    /// The exports that the caller sees, in the order in which they were asked for: a merchant and the operator their own
    /// (people who lead branches those that they asked for in person, of branches that they still lead), a member those that
    /// it asked for. They are remembered for 30 days.
    async fn exports(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many from the beginning, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<ExportConnection> {
        let request = PageArguments { first, after, last, before }.read(ctx)?;
        let page = exports::page(app(ctx)?, identity(ctx)?, &request).await.map_err(fault)?;
        Ok(ExportConnection::new(page, |export| export.id.uuid(), Export))
    }
}
