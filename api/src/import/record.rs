//! The records of a CSV file with the lines they begin on. A record that cannot be one is reported with its line, and
//! reading goes on with the line after it.

use std::io::Cursor;

use csv::{ByteRecord, Position, Reader, ReaderBuilder};

use super::reason::Malformed;

/// One record.
#[derive(Debug)]
pub(super) struct Record {
    /// The line it begins on, from 1.
    pub(super) line: u64,
    /// Its cells.
    pub(super) cells: Result<ByteRecord, Malformed>,
}

/// Reads the records of a file.
#[derive(Debug)]
pub(super) struct Records<'a> {
    bytes: &'a [u8],
    reader: Reader<Cursor<&'a [u8]>>,
    delimiter: u8,
    header: ByteRecord,
    /// Up to here lines are counted.
    at: usize,
    line: u64,
}

impl<'a> Records<'a> {
    /// Begins to read; nothing when the file has no header.
    pub(super) fn open(bytes: &'a [u8], delimiter: u8) -> Option<Self> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        // The header is a record like others here, so that nothing is read before its place is known.
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(Cursor::new(bytes));
        let mut records = Self { bytes, reader, delimiter, header: ByteRecord::new(), at: 0, line: 1 };
        records.header = records.read()?.1;
        Some(records)
    }

    /// The cells of the header.
    pub(super) const fn header(&self) -> &ByteRecord {
        &self.header
    }

    /// How many bytes were read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.reader.position().byte()
    }

    /// The beginning and the cells of the next record.
    fn read(&mut self) -> Option<(usize, ByteRecord)> {
        let mut record = ByteRecord::new();
        // Reading from memory cannot fail, and the number of cells is free.
        if !self.reader.read_byte_record(&mut record).unwrap_or(false) {
            return None;
        }
        let from = record.position().map_or(0, Position::byte);
        let mut start = usize::try_from(from).unwrap_or(usize::MAX);
        // The reader leaves the end of the line before, and blank lines, to the next record.
        let rest = self.bytes.get(start..).unwrap_or_default();
        start = start.saturating_add(rest.iter().take_while(|byte| is_line_end(**byte)).count());
        let passed = self.bytes.get(self.at..start).unwrap_or_default();
        self.line = self.line.saturating_add(line_ends(passed));
        self.at = start;
        Some((start, record))
    }

    /// Goes back to the line after the one that `start` is on.
    fn resume_after_line(&mut self, start: usize) {
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| !is_line_end(**byte)).count();
        let mut place = Position::new();
        place.set_byte(u64::try_from(start.saturating_add(length)).unwrap_or(u64::MAX));
        // The place lies within the file, and memory can always be sought.
        let _ = self.reader.seek(place);
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let (start, cells) = self.read()?;
        let line = self.line;
        let end = usize::try_from(self.bytes_read()).unwrap_or(usize::MAX);
        let written = self.bytes.get(start..end).unwrap_or_default().trim_ascii_end();
        let has_all_cells = cells.len() == self.header.len();
        let runs_on = !has_all_cells && written.iter().any(|byte| is_line_end(*byte));
        // A quote that nobody closed swallows the lines after it, to the next quote or to the end of the file. Only
        // the line on which it opens is lost.
        if runs_on || ends_within_quotes(written, self.delimiter) {
            self.resume_after_line(start);
            return Some(Record { line, cells: Err(Malformed::UnclosedQuote) });
        }
        let (found, expected) = (cells.len(), self.header.len());
        let cells = if has_all_cells { Ok(cells) } else { Err(Malformed::CellCount { found, expected }) };
        Some(Record { line, cells })
    }
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// How many lines end here; a carriage return and a line feed are one end.
fn line_ends(bytes: &[u8]) -> u64 {
    let mut ends: u64 = 0;
    let mut before = 0;
    for byte in bytes {
        if *byte == b'\r' || (*byte == b'\n' && before != b'\r') {
            ends = ends.saturating_add(1);
        }
        before = *byte;
    }
    ends
}

/// Whether the text of one record ends inside a quoted cell. Only a quote at the beginning of a cell opens one.
fn ends_within_quotes(record: &[u8], delimiter: u8) -> bool {
    let (mut at_start, mut quoted) = (true, false);
    let mut bytes = record.iter().peekable();
    while let Some(byte) = bytes.next() {
        if quoted {
            if *byte == b'"' && bytes.next_if(|next| **next == b'"').is_none() {
                quoted = false;
            }
        } else {
            quoted = at_start && *byte == b'"';
            at_start = *byte == delimiter;
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u64, Result<Vec<String>, Malformed>)> {
        let texts =
            |cells: ByteRecord| cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
        Records::open(text.as_bytes(), b',')
            .unwrap()
            .map(|record| (record.line, record.cells.map(texts)))
            .collect()
    }

    fn good(line: u64, cells: [&str; 2]) -> (u64, Result<Vec<String>, Malformed>) {
        (line, Ok(cells.map(str::to_owned).to_vec()))
    }

    #[test]
    fn records_know_the_line_they_begin_on_whatever_ends_lines() {
        assert_eq!(
            read("a,b\n1,2\n\n\"x\ny\",3\n4,5"),
            [good(2, ["1", "2"]), good(4, ["x\ny", "3"]), good(6, ["4", "5"])]
        );
        assert_eq!(read("\u{FEFF}a,b\r\n1,2\r\n\r\n3,4\r\n"), [good(2, ["1", "2"]), good(4, ["3", "4"])]);
        assert_eq!(read("a,b\r1,2\r3,4"), [good(2, ["1", "2"]), good(3, ["3", "4"])]);
        assert!(Records::open(b"\n\n", b',').is_none());
    }

    #[test]
    fn an_unclosed_quote_costs_the_line_it_opens_on_and_no_other() {
        let lost = |line| (line, Err(Malformed::UnclosedQuote));
        assert_eq!(read("a,b\n\"1,2\n3,4\n5,6\n"), [lost(2), good(3, ["3", "4"]), good(4, ["5", "6"])]);
        assert_eq!(
            read("a,b\n1,\"2\n3,4\n\"5\",6\n7,8"),
            [lost(2), good(3, ["3", "4"]), good(4, ["5", "6"]), good(5, ["7", "8"])]
        );
        assert_eq!(read("a,b\n1,\"2"), [lost(2)]);
        assert_eq!(read("a,b\n1,say \"hi\n"), [good(2, ["1", "say \"hi"])]);
        assert_eq!(read("a,b\n\"\",\"\"\"\"\n"), [good(2, ["", "\""])]);
    }

    #[test]
    fn a_wrong_number_of_cells_is_reported_with_both_numbers() {
        let count = |line, found| (line, Err(Malformed::CellCount { found, expected: 2 }));
        assert_eq!(read("a,b\n1\n1,2\n1,2,3\n"), [count(2, 1), good(3, ["1", "2"]), count(4, 3)]);
    }
}
