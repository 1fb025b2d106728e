//! Symphonia's demuxers and decoders behind a small C interface, for WebAssembly.
//!
//! The host gives the encoded bytes by one imported function that reads at a position, so neither side ever holds the
//! whole file. A batch of packets is decoded a call, into one plane of 32-bit floats a channel. There is one stream an
//! instance: the host makes an instance a file, and drops it to free its memory.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::default::{formats, get_codecs};

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Copies up to `len` bytes from `position` to `to`; gives how many, 0 at the end, below 0 where it must not go on.
    fn read_at(position: f64, to: *mut u8, len: usize) -> i32;
}

/// What `open` and `next` answer below 0.
const IO: i32 = -1;
const MALFORMED: i32 = -2;
const UNSUPPORTED: i32 = -3;
const LIMIT: i32 = -4;
const CHANGED: i32 = -5;
const NO_TRACK: i32 = -6;
const CLOSED: i32 = -7;

const MAX_CHANNELS: usize = 8;
/// A stream of Ogg files behind each other is one recording at most this many times.
const MAX_CHAINED: u32 = 10_000;

struct HostFile {
    position: u64,
    length: u64,
}

impl Read for HostFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // SAFETY: the host writes at most `len` bytes to the address of a live buffer of that length.
        let count = unsafe { read_at(self.position as f64, buffer.as_mut_ptr(), buffer.len()) };
        if count < 0 || count as usize > buffer.len() {
            return Err(io::Error::other("the host does not read on"));
        }
        self.position += count as u64;
        Ok(count as usize)
    }
}

impl Seek for HostFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (base, offset) = match to {
            SeekFrom::Start(position) => (position, 0),
            SeekFrom::End(offset) => (self.length, offset),
            SeekFrom::Current(offset) => (self.position, offset),
        };
        self.position = base.checked_add_signed(offset).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl MediaSource for HostFile {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}

struct Stream {
    reader: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    codec: &'static str,
    rate: u32,
    channels: usize,
    /// Seconds, as the container says; below 0 where it does not.
    total: f64,
    planes: Vec<Vec<f32>>,
    frames: usize,
    /// Packets that could not be decoded and were left out.
    lost: u32,
    chained: u32,
    ended: bool,
    /// What the next call answers after the frames that came before it.
    failure: i32,
}

impl Stream {
    fn open(kind: u32, length: u64) -> std::result::Result<Stream, i32> {
        let source = MediaSourceStream::new(Box::new(HostFile { position: 0, length }), Default::default());
        let options = FormatOptions::default();
        let reader: Box<dyn FormatReader> = match kind {
            0 => Box::new(formats::IsoMp4Reader::try_new(source, options).map_err(code)?),
            1 => Box::new(formats::AdtsReader::try_new(source, options).map_err(code)?),
            2 => Box::new(formats::FlacReader::try_new(source, options).map_err(code)?),
            3 => Box::new(formats::OggReader::try_new(source, options).map_err(code)?),
            4 => Box::new(formats::MpaReader::try_new(source, options).map_err(code)?),
            _ => return Err(UNSUPPORTED),
        };
        let (track, total, decoder) = find_track(reader.as_ref())?;
        let codec = decoder.codec_info().short_name;
        Ok(Stream {
            reader,
            decoder,
            track,
            codec,
            rate: 0,
            channels: 0,
            total,
            planes: Vec::new(),
            frames: 0,
            lost: 0,
            chained: 0,
            ended: false,
            failure: 0,
        })
    }

    /// Decodes until there are `wanted` frames, the end, or what cannot be passed over.
    fn fill(&mut self, wanted: usize) -> i32 {
        self.frames = 0;
        for plane in &mut self.planes {
            plane.clear();
        }
        while self.frames < wanted && !self.ended {
            if let Err(failure) = self.step() {
                self.ended = true;
                self.failure = failure;
            }
        }
        if self.frames > 0 { self.frames as i32 } else { self.failure }
    }

    fn step(&mut self) -> std::result::Result<(), i32> {
        let packet = match self.reader.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => {
                self.ended = true;
                return Ok(());
            }
            Err(Error::ResetRequired) => return self.change_track(),
            // How some readers tell the end.
            Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.ended = true;
                return Ok(());
            }
            Err(error) => return Err(code(error)),
        };
        if packet.track_id != self.track {
            return Ok(());
        }
        let decoded = match self.decoder.decode(&packet) {
            Ok(decoded) => decoded,
            Err(Error::DecodeError(_) | Error::IoError(_)) => {
                self.lost += 1;
                return Ok(());
            }
            Err(error) => return Err(code(error)),
        };
        let frames = decoded.frames();
        if frames == 0 {
            return Ok(());
        }
        let (rate, channels) = (decoded.spec().rate(), decoded.num_planes());
        if self.channels == 0 {
            if channels == 0 || channels > MAX_CHANNELS || rate == 0 {
                return Err(UNSUPPORTED);
            }
            (self.rate, self.channels) = (rate, channels);
            self.planes = vec![Vec::new(); channels];
        } else if rate != self.rate || channels != self.channels {
            return Err(CHANGED);
        }
        let from = self.frames;
        for plane in &mut self.planes {
            plane.resize(from + frames, 0.0);
        }
        let mut ends: Vec<&mut [f32]> = self.planes.iter_mut().map(|plane| &mut plane[from..]).collect();
        decoded.copy_to_slice_planar(&mut ends);
        self.frames += frames;
        Ok(())
    }

    fn change_track(&mut self) -> std::result::Result<(), i32> {
        self.chained += 1;
        if self.chained > MAX_CHAINED {
            return Err(LIMIT);
        }
        let (track, _, decoder) = find_track(self.reader.as_ref())?;
        (self.track, self.decoder) = (track, decoder);
        // The container tells the length of one of several only.
        self.total = -1.0;
        Ok(())
    }
}

fn find_track(reader: &dyn FormatReader) -> std::result::Result<(u32, f64, Box<dyn AudioDecoder>), i32> {
    let track = reader.default_track(TrackType::Audio).ok_or(NO_TRACK)?;
    let parameters = track.codec_params.as_ref().and_then(|all| all.audio()).ok_or(NO_TRACK)?;
    let options = AudioDecoderOptions::default();
    let decoder = get_codecs().make_audio_decoder(parameters, &options).map_err(code)?;
    let total = match (track.num_frames, parameters.sample_rate, track.duration, track.time_base) {
        (Some(frames), Some(rate), _, _) if rate > 0 => frames as f64 / f64::from(rate),
        (_, _, Some(duration), Some(base)) => {
            duration.get() as f64 * f64::from(base.numer.get()) / f64::from(base.denom.get())
        }
        _ => -1.0,
    };
    Ok((track.id, total, decoder))
}

fn code(error: Error) -> i32 {
    match error {
        Error::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => MALFORMED,
        Error::IoError(_) => IO,
        Error::Unsupported(_) => UNSUPPORTED,
        Error::LimitError(_) => LIMIT,
        Error::ResetRequired => CHANGED,
        _ => MALFORMED,
    }
}

/// The stream of this instance. There are no threads here.
static mut STREAM: Option<Stream> = None;

#[allow(static_mut_refs)]
fn stream() -> Option<&'static mut Stream> {
    // SAFETY: one thread, and no export calls another while it holds this.
    unsafe { STREAM.as_mut() }
}

/// Opens the host's file; `kind` is 0 MP4, 1 ADTS, 2 FLAC, 3 Ogg, 4 MPEG audio. 0, or below 0 where it will not do.
#[unsafe(no_mangle)]
pub extern "C" fn open(kind: u32, length: f64) -> i32 {
    match Stream::open(kind, length as u64) {
        Ok(opened) => {
            // SAFETY: as in `stream`.
            unsafe { STREAM = Some(opened) };
            0
        }
        Err(failure) => failure,
    }
}

/// Decodes about `wanted` frames. How many there are, 0 at the end, below 0 where it ended for another reason.
#[unsafe(no_mangle)]
pub extern "C" fn next(wanted: usize) -> i32 {
    stream().map_or(CLOSED, |it| it.fill(wanted))
}

/// Where the frames of a channel are, until the next call of `next`.
#[unsafe(no_mangle)]
pub extern "C" fn plane(channel: usize) -> *const f32 {
    stream().and_then(|it| it.planes.get(channel)).map_or(std::ptr::null(), |plane| plane.as_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn channels() -> usize {
    stream().map_or(0, |it| it.channels)
}

#[unsafe(no_mangle)]
pub extern "C" fn sample_rate() -> u32 {
    stream().map_or(0, |it| it.rate)
}

/// Seconds as the container tells, or below 0.
#[unsafe(no_mangle)]
pub extern "C" fn total_seconds() -> f64 {
    stream().map_or(-1.0, |it| it.total)
}

/// Packets that could not be decoded so far.
#[unsafe(no_mangle)]
pub extern "C" fn lost_packets() -> u32 {
    stream().map_or(0, |it| it.lost)
}

#[unsafe(no_mangle)]
pub extern "C" fn codec_name() -> *const u8 {
    stream().map_or(std::ptr::null(), |it| it.codec.as_ptr())
}

#[unsafe(no_mangle)]
pub extern "C" fn codec_name_length() -> usize {
    stream().map_or(0, |it| it.codec.len())
}
