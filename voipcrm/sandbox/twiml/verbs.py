"""Every verb that a call's program knows."""

from voipcrm.sandbox.twiml import flow, gathering, recording, speaking, waiting
from voipcrm.sandbox.twiml.dialling import dial
from voipcrm.sandbox.twiml.program import Verb

VERBS: dict[str, Verb] = {
    "Say": speaking.say,
    "Play": speaking.play,
    "Pause": speaking.pause,
    "Hangup": flow.hangup,
    "Reject": flow.reject,
    "Redirect": flow.redirect,
    "Leave": flow.leave,
    "Gather": gathering.gather,
    "Record": recording.record,
    "Start": recording.start,
    "Stop": recording.stop,
    "Dial": dial,
    "Enqueue": waiting.enqueue,
}
