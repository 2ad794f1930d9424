//! The file of vectors: a header, then records of one size.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ostwin_core::fs::{self, FsError};
use ostwin_core::ids::{self, MemoryId};

use super::quantize::Quantized;
use crate::embedder::Model;
use crate::error::MemoryError;

/// What the file starts with; the last digit is the version of the format.
const MAGIC: [u8; 8] = *b"OSTWVEC1";
const HEADER_BYTES: usize = 256;
/// Where the header's parts stand: dimensions, generation, length of the model's name, name.
const DIMENSIONS_AT: usize = 8;
const GENERATION_AT: usize = 12;
const GENERATION_BYTES: usize = 16;
const NAME_AT: usize = GENERATION_AT + GENERATION_BYTES;
const MAX_NAME_BYTES: usize = HEADER_BYTES - NAME_AT - 2;

/// The characters of an id behind its prefix.
const ID_BYTES: usize = 26;
/// Where a record's parts stand: id and padding, check, factor, values.
const CHECK_AT: usize = 28;
const FACTOR_AT: usize = 32;
const VALUES_AT: usize = 36;

/// Bytes that are read at once.
const BLOCK_BYTES: usize = 256 * 1024;

/// Which file it is, and how much is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Drawn when the file was made: another one means another file.
    pub(crate) generation: Vec<u8>,
    /// Whole records in it.
    pub(crate) records: u64,
}

/// A record as it is read.
#[derive(Debug)]
pub(crate) struct Record<'b> {
    id: &'b [u8],
    values: &'b [u8],
    factor: f32,
}

impl Record<'_> {
    /// The id of its entry; none if it can be no entry's.
    pub(crate) fn id(&self) -> Option<String> {
        Some(format!("{}{}", MemoryId::PREFIX, std::str::from_utf8(self.id).ok()?))
    }

    pub(crate) fn cosine(&self, to: &Quantized) -> f32 {
        to.cosine(self.values, self.factor)
    }

    fn quantized(&self) -> Quantized {
        let values = self.values.iter().map(|byte| byte.cast_signed()).collect();
        Quantized { values, factor: self.factor }
    }
}

/// The vectors of one model.
#[derive(Debug)]
pub(crate) struct Vectors {
    model: Model,
    medium: Medium,
}

/// Where the bytes are.
#[derive(Debug)]
enum Medium {
    Disk(PathBuf),
    /// For a project whose cache cannot be written.
    Memory(Vec<u8>),
}

impl Vectors {
    pub(crate) fn on_disk(path: PathBuf, model: Model) -> Self {
        Self { model, medium: Medium::Disk(path) }
    }

    pub(crate) fn in_memory(model: Model) -> Self {
        Self { model, medium: Medium::Memory(Vec::new()) }
    }

    pub(crate) fn model(&self) -> &Model {
        &self.model
    }

    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self.medium, Medium::Disk(_))
    }

    /// Which file is there; none if there is none, or one that this model cannot use.
    pub(crate) fn header(&self) -> Result<Option<Header>, MemoryError> {
        let Some(source) = self.source()? else { return Ok(None) };
        let length = source.length()?;
        let mut header = [0; HEADER_BYTES];
        if length < HEADER_BYTES as u64 {
            return Ok(None);
        }
        source.read(&mut header, 0)?;
        let ours = self.header_bytes(&header[GENERATION_AT..NAME_AT]);
        if header != ours {
            return Ok(None);
        }
        let generation = header[GENERATION_AT..NAME_AT].to_vec();
        let records = (length - HEADER_BYTES as u64) / self.record_bytes() as u64;
        Ok(Some(Header { generation, records }))
    }

    /// Makes the file anew, empty.
    ///
    /// # Errors
    /// It cannot be written, or the system has no random bits.
    pub(crate) fn start_again(&mut self) -> Result<Header, MemoryError> {
        let generation = ids::entropy()
            .map_err(|error| FsError::new("draw a name for", &self.path(), error))?
            .to_le_bytes();
        let header = self.header_bytes(&generation);
        match &mut self.medium {
            Medium::Disk(path) => fs::replace_hint(path, &header)?,
            Medium::Memory(bytes) => *bytes = header.to_vec(),
        }
        Ok(Header { generation: generation.to_vec(), records: 0 })
    }

    /// Visits the records from number `first` on. Whether all of them were sound: at the first
    /// that is not, it stops.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn scan(
        &self,
        first: u64,
        mut visit: impl FnMut(Record<'_>),
    ) -> Result<bool, MemoryError> {
        let (Some(header), Some(source)) = (self.header()?, self.source()?) else {
            return Ok(true);
        };
        let size = self.record_bytes();
        let at_once = (BLOCK_BYTES / size).max(1);
        let mut block = vec![0_u8; at_once * size];
        let mut next = first;
        while next < header.records {
            let left = usize::try_from(header.records - next).unwrap_or(usize::MAX);
            let count = left.min(at_once);
            let bytes = &mut block[..count * size];
            source.read(bytes, HEADER_BYTES as u64 + next * size as u64)?;
            for record in bytes.chunks_exact(size) {
                let Some(record) = self.record(record) else { return Ok(false) };
                visit(record);
            }
            next += count as u64;
        }
        Ok(true)
    }

    /// Adds records behind the last whole one. To be called by one process at a time.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn append(
        &mut self,
        header: &Header,
        records: &[(String, Quantized)],
    ) -> Result<(), MemoryError> {
        let mut bytes = Vec::with_capacity(records.len() * self.record_bytes());
        for (id, vector) in records {
            self.write_record(&mut bytes, id, vector);
        }
        let end = HEADER_BYTES as u64 + header.records * self.record_bytes() as u64;
        match &mut self.medium {
            Medium::Disk(path) => {
                let mut file = fs::open_log(path)?;
                // What a killed process left of a record goes away.
                file.set_len(end)
                    .and_then(|()| file.write_all(&bytes))
                    .map_err(|error| FsError::new("append to", path, error))?;
            }
            Medium::Memory(all) => all.extend_from_slice(&bytes),
        }
        Ok(())
    }

    /// Makes the file anew with those records that `keep` takes. To be called by one process at a
    /// time.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub(crate) fn retain(
        &mut self,
        keep: impl Fn(&str) -> Result<bool, MemoryError>,
    ) -> Result<Header, MemoryError> {
        let mut kept = Vec::new();
        let mut failed = None;
        self.scan(0, |record| {
            let Some(id) = record.id() else { return };
            match keep(&id) {
                Ok(true) => kept.push((id, record.quantized())),
                Ok(false) => {}
                Err(error) => failed = Some(error),
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        let header = self.start_again()?;
        self.append(&header, &kept)?;
        Ok(Header { records: kept.len() as u64, ..header })
    }

    fn path(&self) -> PathBuf {
        match &self.medium {
            Medium::Disk(path) => path.clone(),
            Medium::Memory(_) => PathBuf::from("vectors in memory"),
        }
    }

    fn source(&self) -> Result<Option<Source<'_>>, MemoryError> {
        match &self.medium {
            Medium::Memory(bytes) => Ok(Some(Source::Memory(bytes))),
            Medium::Disk(path) => match File::open(path) {
                Ok(file) => Ok(Some(Source::Disk(path, file))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(FsError::new("read", path, error).into()),
            },
        }
    }

    fn header_bytes(&self, generation: &[u8]) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..MAGIC.len()].copy_from_slice(&MAGIC);
        let dimensions = u32::try_from(self.model.dimensions).unwrap_or(u32::MAX);
        bytes[DIMENSIONS_AT..GENERATION_AT].copy_from_slice(&dimensions.to_le_bytes());
        bytes[GENERATION_AT..NAME_AT].copy_from_slice(generation);
        let name = self.model.name.as_bytes();
        let name = &name[..name.len().min(MAX_NAME_BYTES)];
        bytes[NAME_AT..NAME_AT + name.len()].copy_from_slice(name);
        bytes
    }

    fn record_bytes(&self) -> usize {
        VALUES_AT + self.model.dimensions.next_multiple_of(4)
    }

    fn write_record(&self, bytes: &mut Vec<u8>, id: &str, vector: &Quantized) {
        let start = bytes.len();
        bytes.resize(start + self.record_bytes(), 0);
        let record = &mut bytes[start..];
        let id = id.strip_prefix(MemoryId::PREFIX).unwrap_or(id).as_bytes();
        let id = &id[..id.len().min(ID_BYTES)];
        record[..id.len()].copy_from_slice(id);
        record[FACTOR_AT..VALUES_AT].copy_from_slice(&vector.factor.to_le_bytes());
        for (byte, value) in record[VALUES_AT..].iter_mut().zip(&vector.values) {
            *byte = value.cast_unsigned();
        }
        let check = check(record);
        record[CHECK_AT..FACTOR_AT].copy_from_slice(&check.to_le_bytes());
    }

    fn record<'b>(&self, record: &'b [u8]) -> Option<Record<'b>> {
        let noted = u32::from_le_bytes(record.get(CHECK_AT..FACTOR_AT)?.try_into().ok()?);
        // What was noted is part of the sum now.
        let sound = check(record).wrapping_sub(noted) == noted;
        let factor = f32::from_le_bytes(record.get(FACTOR_AT..VALUES_AT)?.try_into().ok()?);
        let values = record.get(VALUES_AT..VALUES_AT + self.model.dimensions)?;
        sound.then_some(Record { id: record.get(..ID_BYTES)?, values, factor })
    }
}

/// A sum over a record, which a record of zeros does not have either: that is what a file system
/// may leave behind a power cut.
fn check(record: &[u8]) -> u32 {
    const OF_NOTHING: u32 = 0x4F53_5457;
    record
        .chunks_exact(4)
        .map(|word| word.try_into().map_or(0, u32::from_le_bytes))
        .fold(OF_NOTHING, u32::wrapping_add)
}

/// Where bytes are read from.
enum Source<'v> {
    Disk(&'v Path, File),
    Memory(&'v [u8]),
}

impl Source<'_> {
    fn length(&self) -> Result<u64, MemoryError> {
        match self {
            Self::Memory(bytes) => Ok(bytes.len() as u64),
            Self::Disk(path, file) => {
                let metadata =
                    file.metadata().map_err(|error| FsError::new("read", path, error))?;
                Ok(metadata.len())
            }
        }
    }

    fn read(&self, into: &mut [u8], from: u64) -> Result<(), MemoryError> {
        match self {
            Self::Disk(path, file) => file
                .read_exact_at(into, from)
                .map_err(|error| FsError::new("read", path, error).into()),
            Self::Memory(bytes) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX).min(bytes.len());
                let length = into.len().min(bytes.len() - from);
                into[..length].copy_from_slice(&bytes[from..from + length]);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(dimensions: usize) -> Model {
        Model { name: "test-model".into(), dimensions }
    }

    fn id(number: u32) -> String {
        format!("mem-{number:026}")
    }

    fn record(number: u32, parts: &[f32]) -> (String, Quantized) {
        (id(number), Quantized::of(parts).unwrap())
    }

    /// The ids in the file with their cosines to `to`, and whether all were sound.
    fn read(vectors: &Vectors, to: &[f32]) -> (Vec<(String, f32)>, bool) {
        let to = Quantized::of(to).unwrap();
        let mut found = Vec::new();
        let sound = vectors
            .scan(0, |record| found.push((record.id().unwrap(), record.cosine(&to).round())))
            .unwrap();
        (found, sound)
    }

    #[test]
    fn what_was_appended_is_read_by_anybody() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.vectors");
        for mut vectors in [Vectors::on_disk(path.clone(), model(3)), Vectors::in_memory(model(3))]
        {
            assert_eq!(vectors.header().unwrap(), None);
            let header = vectors.start_again().unwrap();
            vectors.append(&header, &[record(1, &[1.0, 0.0, 0.0])]).unwrap();
            let header = vectors.header().unwrap().unwrap();
            assert_eq!(header.records, 1);
            vectors.append(&header, &[record(2, &[0.0, 0.0, -2.0])]).unwrap();
            let expected = vec![(id(1), 0.0), (id(2), -1.0)];
            assert_eq!(read(&vectors, &[0.0, 0.0, 1.0]), (expected, true));
        }
        let other = Vectors::on_disk(path.clone(), model(3));
        assert_eq!(read(&other, &[1.0, 0.0, 0.0]).0.len(), 2);
        assert_eq!(Vectors::on_disk(path, model(4)).header().unwrap(), None);
    }

    #[test]
    fn a_torn_record_is_overwritten_and_a_damaged_one_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.vectors");
        let mut vectors = Vectors::on_disk(path.clone(), model(2));
        let header = vectors.start_again().unwrap();
        let records: Vec<_> = (0..5_000).map(|number| record(number, &[1.0, 1.0])).collect();
        vectors.append(&header, &records).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        fs::replace_hint(&path, &bytes[..bytes.len() - 7]).unwrap();
        let header = vectors.header().unwrap().unwrap();
        assert_eq!(header.records, 4_999);
        vectors.append(&header, &records[4_999..]).unwrap();
        assert_eq!(
            read(&vectors, &[1.0, 1.0]),
            (records.iter().map(|(id, _)| (id.clone(), 1.0)).collect(), true)
        );
        for damage in [HEADER_BYTES + 3, HEADER_BYTES + 37, bytes.len() - 1] {
            bytes[damage] ^= 1;
            fs::replace_hint(&path, &bytes).unwrap();
            assert!(!read(&vectors, &[1.0, 1.0]).1, "byte {damage}");
            bytes[damage] ^= 1;
        }
        bytes[HEADER_BYTES..].fill(0);
        fs::replace_hint(&path, &bytes).unwrap();
        assert!(!read(&vectors, &[1.0, 1.0]).1);
        for foreign in [&b""[..], b"not vectors", &[7; 4_000]] {
            fs::replace_hint(&path, foreign).unwrap();
            assert_eq!(vectors.header().unwrap(), None);
        }
    }
}
