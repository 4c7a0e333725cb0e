"""Sound files for <Play>: fetched once, kept while the server says that they are the same."""

from __future__ import annotations

import time
from collections import OrderedDict
from urllib.parse import urldefrag

import aiohttp

SIZE_LIMIT = 40 * 1024 * 1024
KEPT_SECONDS = 300.0
KEPT_FILES = 32


class SoundError(Exception):
    """The file could not be fetched; the message says why."""


class Sounds:
    """A small cache, as Twilio's: an address is asked again after five minutes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()

    async def fetch(self, url: str) -> bytes:
        """The whole file. Raises SoundError."""
        url = urldefrag(url).url
        kept = self._kept.get(url)
        if kept and time.monotonic() - kept[0] < KEPT_SECONDS:
            return kept[1]
        try:
            timeout = aiohttp.ClientTimeout(total=15)
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
                if response.status != 200:
                    raise SoundError(f"{url} answered {response.status}")
                content = await response.content.read(SIZE_LIMIT + 1)
                while len(content) <= SIZE_LIMIT and not response.content.at_eof():
                    content += await response.content.read(SIZE_LIMIT + 1 - len(content))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise SoundError(f"{url}: {type(error).__name__}") from error
        if len(content) > SIZE_LIMIT:
            raise SoundError(f"{url} is larger than 40 MB")
        self._kept[url] = (time.monotonic(), content)
        while len(self._kept) > KEPT_FILES:
            self._kept.popitem(last=False)
        return content
