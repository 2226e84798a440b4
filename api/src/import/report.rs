//! What an import did, in numbers that have to add up.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::error::ImportError;
use super::map::Map;
use super::plan::Plan;
use super::reason::Skipped;

/// What an import did, or in a dry run would do.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The map's name.
    pub map: String,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Lines of the file.
    pub lines: Lines,
    /// Units of cancellations that were read in full.
    pub cancelled_units: CancelledUnits,
    /// Purchases posted.
    pub purchases: Posts,
    /// Refunds posted. One cancellation can take back parts of several purchases.
    pub refunds: Posts,
    /// Points and money, per merchant; a dry run knows no points and no refunded money.
    pub merchants: Vec<MerchantTotals>,
    /// Milliseconds from the first event to the last; none in a dry run.
    pub milliseconds: Option<u64>,
    /// Every line that is left out, in the order of the file.
    pub skipped: Vec<Skipped>,
    /// The units that found no purchase, of cancellations that were matched in part.
    pub partly_matched: Vec<Skipped>,
}

/// Lines of the file: `read = earned + refunded + skipped`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lines {
    /// Without the header and blank lines.
    pub read: u64,
    /// Lines of purchases that earned.
    pub earned: u64,
    /// Cancellations that took something back.
    pub refunded: u64,
    /// Lines left out, by reason.
    pub skipped: BTreeMap<&'static str, u64>,
}

/// Units of cancellations: `read = refunded + refused + unmatched`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CancelledUnits {
    /// Units of cancellations that were read in full.
    pub read: i64,
    /// Units that refunds took back.
    pub refunded: i64,
    /// Units of refunds that the ledger refused.
    pub refused: i64,
    /// Units that found no purchase.
    pub unmatched: i64,
}

/// Operations of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Posts {
    /// Applied by this run; in a dry run, those that would be posted.
    pub new: u64,
    /// Found as an earlier run had left them.
    pub already_there: u64,
    /// Refused by the ledger, or of a member that was erased and therefore not posted.
    pub refused: u64,
}

/// Totals of one merchant, over what is new and what was already there.
#[derive(Debug, Clone, Serialize)]
pub struct MerchantTotals {
    /// Its code in the map.
    pub merchant: String,
    /// Its currency.
    pub currency: String,
    /// Purchases.
    pub purchases: u64,
    /// Lines of purchases.
    pub lines: u64,
    /// Their price in minor units.
    pub bought: i64,
    /// Points earned.
    pub earned: i64,
    /// Refunds.
    pub refunds: u64,
    /// Minor units that came back.
    pub returned: i64,
    /// Points taken back.
    pub taken_back: i64,
}

/// How many lines that are left out the printed report names.
const NAMED: usize = 20;

impl Lines {
    /// All lines left out.
    pub fn skipped_in_all(&self) -> u64 {
        self.skipped.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl Report {
    /// An empty report on a plan, with a row for each merchant.
    pub(super) fn new(map: &Map, plan: &Plan) -> Self {
        let totals = map.merchants.iter().map(|merchant| MerchantTotals {
            merchant: merchant.code.clone(),
            currency: merchant.currency.to_string(),
            purchases: 0,
            lines: 0,
            bought: 0,
            earned: 0,
            refunds: 0,
            returned: 0,
            taken_back: 0,
        });
        Self {
            map: map.name.clone(),
            lines: Lines { read: plan.read, ..Lines::default() },
            cancelled_units: CancelledUnits { read: plan.cancelled_units, ..CancelledUnits::default() },
            merchants: totals.collect(),
            skipped: plan.skipped.clone(),
            partly_matched: plan.rests.clone(),
            ..Self::default()
        }
    }

    /// Counts what is left out and checks that everything adds up.
    pub(super) fn close(mut self) -> Result<Self, ImportError> {
        self.skipped.sort_by_key(|skipped| skipped.line);
        for skipped in &self.skipped {
            let count = self.lines.skipped.entry(skipped.reason.code()).or_default();
            *count = count.saturating_add(1);
        }
        let unmatched = self.skipped.iter().filter(|skipped| skipped.reason.is_unmatched());
        let units = unmatched.chain(&self.partly_matched).filter_map(|skipped| skipped.units);
        self.cancelled_units.unmatched =
            units.fold(0, |sum, units| sum.saturating_add(units.saturating_abs()));
        self.check()?;
        Ok(self)
    }

    fn check(&self) -> Result<(), ImportError> {
        let lines = &self.lines;
        let accounted = lines.earned.saturating_add(lines.refunded).saturating_add(lines.skipped_in_all());
        if lines.read != accounted {
            return Err(ImportError::Unbalanced(format!(
                "{} lines are read, {accounted} accounted for",
                lines.read
            )));
        }
        let units = &self.cancelled_units;
        let accounted = units.refunded.saturating_add(units.refused).saturating_add(units.unmatched);
        if units.read != accounted {
            let read = units.read;
            return Err(ImportError::Unbalanced(format!(
                "{read} units are cancelled, {accounted} accounted for"
            )));
        }
        let of_merchants =
            self.merchants.iter().fold(0, |sum: u64, merchant| sum.saturating_add(merchant.lines));
        if lines.earned != of_merchants {
            return Err(ImportError::Unbalanced(format!(
                "{} lines earned, {of_merchants} at the merchants",
                lines.earned
            )));
        }
        Ok(())
    }

    /// Prints the report for people: every number, and the first of the lines that are left out.
    pub fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        self.print_lines(out)?;
        self.print_posts(out)?;
        for merchant in &self.merchants {
            merchant.print(self.dry_run, out)?;
        }
        print_named("left out", &self.skipped, out)?;
        print_named("matched in part, the rest left out", &self.partly_matched, out)?;
        if let Some(milliseconds) = self.milliseconds {
            let rate =
                self.lines.read.saturating_mul(1_000).checked_div(milliseconds.max(1)).unwrap_or_default();
            let seconds = milliseconds.checked_div(1_000).unwrap_or_default();
            let tenths =
                milliseconds.checked_div(100).and_then(|tenths| tenths.checked_rem(10)).unwrap_or_default();
            writeln!(out, "{seconds}.{tenths} s, {rate} lines per second")?;
        }
        Ok(())
    }

    fn print_lines(&self, out: &mut impl Write) -> std::io::Result<()> {
        let lines = &self.lines;
        let (read, earned, refunded) = (lines.read, lines.earned, lines.refunded);
        let skipped = lines.skipped_in_all();
        writeln!(out, "lines      {read} read = {earned} earned + {refunded} refunded + {skipped} left out")?;
        for (reason, count) in &lines.skipped {
            writeln!(out, "           {count:>9} {}", reason.replace('_', " "))?;
        }
        let units = &self.cancelled_units;
        writeln!(
            out,
            "cancelled  {} units = {} refunded + {} refused + {} unmatched",
            units.read, units.refunded, units.refused, units.unmatched
        )
    }

    fn print_posts(&self, out: &mut impl Write) -> std::io::Result<()> {
        for (name, posts) in [("purchases", &self.purchases), ("refunds", &self.refunds)] {
            let Posts { new, already_there, refused } = posts;
            if self.dry_run {
                writeln!(out, "{name:<10} {new} to post (dry run: nothing was written)")?;
            } else {
                writeln!(out, "{name:<10} {new} new, {already_there} already there, {refused} refused")?;
            }
        }
        Ok(())
    }

    /// Writes the lines that are left out as CSV: line, reason, receipt, units, detail. Texts of the file are quoted
    /// and never begin a cell with a sign that spreadsheets run.
    pub fn write_skipped(&self, out: impl Write) -> Result<(), csv::Error> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(["line", "reason", "receipt", "units", "detail"])?;
        for skipped in self.skipped.iter().chain(&self.partly_matched) {
            let receipt = skipped.receipt.as_deref().map(inert).unwrap_or_default();
            let units = skipped.units.map(|units| units.to_string()).unwrap_or_default();
            let line = skipped.line.to_string();
            writer.write_record([
                &line,
                skipped.reason.code(),
                &receipt,
                &units,
                &skipped.reason.detail(),
            ])?;
        }
        writer.flush()?;
        Ok(())
    }
}

impl MerchantTotals {
    fn print(&self, dry_run: bool, out: &mut impl Write) -> std::io::Result<()> {
        let Self { merchant, currency, purchases, lines, bought, earned, refunds, returned, taken_back } =
            self;
        write!(
            out,
            "{merchant:<10} {purchases} purchases of {lines} lines for {bought} {currency} minor units"
        )?;
        if dry_run {
            return writeln!(out, "; {refunds} refunds");
        }
        writeln!(out, ", {earned} points; {refunds} refunds of {returned}, {taken_back} points")
    }
}

fn print_named(what: &str, all: &[Skipped], out: &mut impl Write) -> std::io::Result<()> {
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "{what}:")?;
    for skipped in all.iter().take(NAMED) {
        write!(out, "  line {}: {}", skipped.line, skipped.reason.detail())?;
        match skipped.units {
            Some(units) => writeln!(out, " ({units} units)")?,
            None => writeln!(out)?,
        }
    }
    let more = all.len().saturating_sub(NAMED);
    if more > 0 {
        writeln!(out, "  and {more} more; --report FILE.json or FILE.csv lists all of them")?;
    }
    Ok(())
}

/// A text that a spreadsheet shows and does not run.
fn inert(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() }
}
