"""A bot that listens to recordings with librosa and says what it heard, beside the server's own analysis.

It needs a bot's token with the scopes `analysis:write` and `audio:read`, in PHANTOM_TOKEN, and the server's address in
PHANTOM_URL. It hears of new public recordings by the event `audio:new`, asks for older ones that it has not heard yet by
`analysis:wanted`, and answers with `analysis:add`. It ends with code 2 where the token is not taken.

Given the path of a sound file instead, it prints what it hears in it, and needs no server.
"""

import json
import logging
import os
import queue
import signal
import sys
import tempfile
import threading
import time
from collections import OrderedDict

import librosa
import numpy as np
import requests
import socketio

MODEL_VERSION = f"librosa-{librosa.__version__}/1"
RATE = 22_050
# Of a recording no more than this is heard, in seconds, and no larger file is fetched, in bytes.
MAX_SECONDS = 600
MAX_BYTES = 200 * 2**20
# A download takes at most so long, and waits at most so long for the next bytes, in seconds.
DOWNLOAD_SECONDS = 300
SILENCE_SECONDS = 30
# Recordings that wait in memory; the server knows the rest.
MAX_QUEUE = 100
# Recordings that cannot be heard and are not asked for again until the bot starts anew.
MAX_REFUSED = 10_000
# How often one looks for what was missed, and how often one tries to hand in a result.
LOOK_SECONDS = 300
MAX_TRIES = 8

NAMES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
# How well each pitch class fits a key, as listeners judged it (Krumhansl and Kessler 1982).
MAJOR = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]
MINOR = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]

log = logging.getLogger("librosa-bot")


class Refused(Exception):
    """This recording cannot be heard, or its result is not taken; trying again would not help."""


def find_key(chroma):
    """The key of twelve pitch class energies, such as `C#m`, and its correlation with the key's profile."""
    best = ("", -1.0)
    for profile, suffix in ((MAJOR, ""), (MINOR, "m")):
        for tonic in range(12):
            strength = float(np.corrcoef(chroma, np.roll(profile, tonic))[0, 1])
            if strength > best[1]:
                best = (NAMES[tonic] + suffix, strength)
    return best


def analyse(path):
    """What librosa hears in a sound file, as `analysis:add` takes it. Raises Refused where there is nothing to hear."""
    try:
        samples, _ = librosa.load(path, sr=RATE, mono=True, duration=MAX_SECONDS)
    except Exception as error:  # soundfile and audioread raise whatever their libraries do
        raise Refused(f"cannot be decoded: {error!r}") from error
    if samples.size < RATE or not np.any(np.abs(samples) > 1e-4):
        raise Refused("is silent, or shorter than a second")
    strength = librosa.onset.onset_strength(y=samples, sr=RATE)
    tempo, beats = librosa.beat.beat_track(onset_envelope=strength, sr=RATE, units="time")
    chroma = librosa.feature.chroma_cqt(y=samples, sr=RATE).mean(axis=1)
    onsets = librosa.onset.onset_detect(onset_envelope=strength, sr=RATE)
    seconds = samples.size / RATE
    heard = {
        "modelVersion": MODEL_VERSION,
        "metadata": {
            "seconds": round(seconds, 3),
            "beats": int(len(beats)),
            "onsetsPerSecond": round(len(onsets) / seconds, 3),
            "spectralCentroid": round(float(librosa.feature.spectral_centroid(y=samples, sr=RATE).mean()), 1),
            "rms": round(float(librosa.feature.rms(y=samples).mean()), 5),
        },
    }
    bpm = float(np.atleast_1d(tempo)[0])
    if 1 <= bpm <= 1_000:
        heard["tempo"] = round(bpm, 2)
    key, clarity = find_key(chroma)
    if key:
        heard["key"] = key
        heard["metadata"]["keyClarity"] = round(clarity, 3)
    return heard


class Bot:
    def __init__(self, url, token):
        self.url = url.rstrip("/")
        self.token = token
        self.stopping = threading.Event()
        self.code = 0
        self.waiting = queue.Queue(maxsize=MAX_QUEUE)
        self.queued = set()
        self.refused = OrderedDict()
        self.lock = threading.Lock()
        # Set where recordings may be there that are not in the queue.
        self.look = threading.Event()
        self.socket = socketio.Client(reconnection_delay=0.5, reconnection_delay_max=10)
        self.socket.on("ready", lambda _: self.look.set())
        self.socket.on("audio:new", lambda told: self.put(told["audioFileId"]))
        self.socket.on("session:revoked", lambda *_: self.stop(2))
        self.socket.on("connect_error", self.hear_error)

    def hear_error(self, error):
        log.warning("not connected: %s", error)
        if isinstance(error, dict) and (error.get("data") or {}).get("code") in ("unauthenticated", "forbidden"):
            self.stop(2)

    def stop(self, code=0):
        if not self.stopping.is_set():
            self.code = code
        self.stopping.set()
        self.look.set()

    def put(self, audio_id):
        """Puts a recording into the queue; False where the queue is full, and then it will be asked for later."""
        with self.lock:
            if audio_id in self.queued or audio_id in self.refused:
                return True
            try:
                self.waiting.put_nowait(audio_id)
            except queue.Full:
                self.look.set()
                return False
            self.queued.add(audio_id)
            return True

    def fill(self):
        """Asks for recordings that this model has not heard, until the queue is full or there are no more."""
        cursor = None
        while not self.stopping.is_set():
            asked = {"modelVersion": MODEL_VERSION, "limit": MAX_QUEUE}
            if cursor is not None:
                asked["cursor"] = cursor
            page = self.ask("analysis:wanted", asked)
            if not all([self.put(audio_id) for audio_id in page["audioFileIds"]]):
                return
            cursor = page["nextCursor"]
            if cursor is None:
                return

    def ask(self, event, payload):
        """Emits an event and returns what its ack says; tries again where the connection or the server is away."""
        for attempt in range(MAX_TRIES):
            pause = min(30.0, 0.5 * 2**attempt)
            try:
                ack = self.socket.call(event, payload, timeout=30)
                if ack["ok"]:
                    return ack["data"]
                error = ack["error"]
                if error["code"] not in ("rate_limited", "unavailable", "internal"):
                    raise Refused(f"{error['code']}: {error['message']}")
                log.info("%s: %s, trying again", event, error["code"])
                pause = max(pause, error.get("retryAfterMs", 0) / 1000)
            except socketio.exceptions.SocketIOError as error:
                # What was sent may have arrived: a result that is there already is not asked for again, see below.
                if event == "analysis:add":
                    raise ConnectionError(f"no answer: {error!r}") from error
                log.info("%s: %r, trying again", event, error)
            if self.stopping.wait(pause):
                break
        raise ConnectionError(f"{event}: no answer")

    def fetch(self, audio_id, file):
        address = f"{self.url}/api/v1/audio-files/{audio_id}/stream"
        until = time.monotonic() + DOWNLOAD_SECONDS
        headers = {"Authorization": f"Bearer {self.token}"}
        with requests.get(address, headers=headers, stream=True, timeout=SILENCE_SECONDS) as answer:
            if answer.status_code in (401, 403, 404, 410):
                raise Refused(f"is not to be had: {answer.status_code}")
            answer.raise_for_status()
            size = 0
            for chunk in answer.iter_content(256 * 1024):
                size += len(chunk)
                if size > MAX_BYTES:
                    raise Refused("is too large")
                if time.monotonic() > until or self.stopping.is_set():
                    raise ConnectionError("the download takes too long")
                file.write(chunk)
        file.flush()

    def hear(self, audio_id):
        with tempfile.NamedTemporaryFile(prefix="librosa-bot-") as file:
            self.fetch(audio_id, file)
            heard = analyse(file.name)
        result = self.ask("analysis:add", {"audioFileId": audio_id, **heard})
        log.info("%s: %s BPM, %s, result %s", audio_id, heard.get("tempo"), heard.get("key"), result["id"])

    def work(self):
        """Takes one recording after the other, and looks for more when there are none."""
        looked = time.monotonic()
        while not self.stopping.is_set():
            try:
                audio_id = self.waiting.get_nowait()
            except queue.Empty:
                if not self.look.wait(timeout=0.25) and time.monotonic() - looked < LOOK_SECONDS:
                    continue
                self.look.clear()
                looked = time.monotonic()
                try:
                    self.fill()
                except (ConnectionError, Refused) as error:
                    log.warning("could not ask for recordings: %s", error)
                continue
            try:
                self.hear(audio_id)
            except Refused as error:
                log.warning("%s %s", audio_id, error)
                with self.lock:
                    self.refused[audio_id] = True
                    while len(self.refused) > MAX_REFUSED:
                        self.refused.popitem(last=False)
            except (ConnectionError, requests.RequestException) as error:
                # It is asked for again, unless its result arrived after all.
                log.warning("%s: %s", audio_id, error)
                self.stopping.wait(1)
                self.look.set()
            finally:
                with self.lock:
                    self.queued.discard(audio_id)

    def run(self):
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: self.stop())
        worker = threading.Thread(target=self.work, daemon=True)
        worker.start()
        while not self.stopping.is_set():
            try:
                self.socket.connect(self.url, auth={"token": self.token}, transports=["websocket"], wait_timeout=10)
                break
            except socketio.exceptions.ConnectionError:
                self.stopping.wait(2)
        while not self.stopping.wait(0.5):
            pass
        self.socket.shutdown()
        worker.join(timeout=5)
        return self.code


def main():
    if len(sys.argv) > 1:
        print(json.dumps(analyse(sys.argv[1])))
        return 0
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    token = os.environ.get("PHANTOM_TOKEN")
    if not token:
        print("PHANTOM_TOKEN is missing: a bot's token with the scopes analysis:write and audio:read", file=sys.stderr)
        return 1
    return Bot(os.environ.get("PHANTOM_URL", "http://127.0.0.1:3000"), token).run()


if __name__ == "__main__":
    sys.exit(main())
