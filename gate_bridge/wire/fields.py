"""What members of messages may be: numbers, texts and choices with their bounds."""

from typing import Annotated, Literal

from msgspec import Meta

# JavaScript firmware counts exactly up to here.
LARGEST = 2**53 - 1
Count = Annotated[int, Meta(ge=0, le=LARGEST)]
Id = Annotated[int, Meta(ge=1, le=LARGEST)]
Moment = Annotated[int, Meta(ge=0, le=32_503_679_999_999)]  # a clock in the year 3000 is broken
Epoch = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]
RequestId = Annotated[str, Meta(pattern=r"^[0-9a-f]{8,32}\Z")]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Salt = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
Code = Annotated[str, Meta(pattern=r"^[a-z_]{1,32}\Z")]
# No database keeps a zero character.
Text = Annotated[str, Meta(max_length=64, pattern=r"^[^\0]*\Z")]
Signature = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{86}\Z")]
Range = tuple[Id, Id]
Ranges = Annotated[tuple[Range, ...], Meta(max_length=100)]
Direction = Literal["in", "out"]
Result = Literal["admit", "deny"]
Mode = Literal["normal", "free", "locked", "lockdown", "evacuate"]
Verb = Literal["open", "identify", "reboot"]
AlarmKind = Literal["held_open", "forced", "tamper", "fire", "jam", "psu", "tailgate"]
Happening = Literal["decision", "passage", "no_passage", "alarm_on", "alarm_off"]
Kind = Happening | Literal["mode", "cmd", "boot", "clock_step", "journal_lost"]
_ExtraName = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,32}\Z")]
Limited = Annotated[int, Meta(ge=-LARGEST, le=LARGEST)]
Extra = Annotated[
    dict[_ExtraName, Limited | bool | Annotated[str, Meta(max_length=256)] | None], Meta(max_length=16)
]
