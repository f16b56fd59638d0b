"""Mail by somebody who hates whoever looks at it: script in every place that may hold one, and every way by which showing it might
ask a server for something: corpus/*.html, and words for every place of words. {URL} is a server that counts; {RUN} is script that
leaves a trace."""

import base64
import pathlib

RUN = "try{top.pwned=1}catch(e){}try{parent.pwned=1}catch(e){}window.pwned=1;document.title='pwned';alert('pwned')"

HERE = pathlib.Path(__file__).parent / "corpus"
DEEP = 3000  # elements within one another

WORDS = ["<script>{RUN}</script>", "\"><img src=x onerror=\"{RUN}\">", "'><svg onload='{RUN}'>", "javascript:{RUN}",
         "{{constructor.constructor('{RUN}')()}}", "\u202egnp.exe", "\u0430\u0440\u0440le", "${{RUN}}",
         "</title><script>{RUN}</script>", "%3Cscript%3E{RUN}%3C/script%3E"]


def fill(text, url):
    return text.replace("{RUN}", RUN).replace("{URL}", url)


def word(text):
    """As a word of a header field (RFC 2047): octets that no line rule changes."""
    return "=?utf-8?b?" + base64.b64encode(text.encode()).decode() + "?="


def message(subject, html, text, name, file_name, url):
    quoted = file_name.replace("\\", "\\\\").replace('"', '\\"')
    picture = (f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{RUN}\"><script>{RUN}</script>"
               f"<image href='{url}/attached.png'/></svg>")
    parts = [("text/plain; charset=utf-8", "", text), ("text/html; charset=utf-8", "", html),
             ("image/svg+xml", f'Content-Disposition: attachment; filename="{quoted}"\r\n', picture),
             ("text/html", f'Content-Disposition: inline; filename="{quoted}.html"\r\n'
                           f'Content-ID: <"><script>{RUN}</script>>\r\n', html)]
    body = "".join(f"--b\r\nContent-Type: {kind}\r\n{more}Content-Transfer-Encoding: base64\r\n\r\n"
                   + base64.encodebytes(content.encode()).decode().replace("\n", "\r\n") for kind, more, content in parts)
    subject_lines = "\r\n ".join(word(subject[i:i + 30]) for i in range(0, len(subject), 30))
    # The relay takes no From field that has two readings.
    shown = "".join(letter for letter in name[:40] if letter not in '<>@,;:"\\()[]')
    return (f"From: {word(shown)} <sender@example.org>\r\nTo: someone@example.net\r\nSubject: {subject_lines}\r\n"
            f"Message-ID: <{abs(hash(subject + html)) % 10**12}@example.org>\r\nReply-To: {word(name[:40])} <reply@example.org>\r\n"
            f"X-Evil: {subject[:200]}\r\nX-Postern-Tags: kind=evil\r\nMIME-Version: 1.0\r\n"
            f'Content-Type: multipart/mixed; boundary="b"\r\n\r\n{body}--b--\r\n').encode()


def messages(url):
    """(name, octets) of each."""
    for index, path in enumerate(sorted(HERE.glob("*.html"))):
        name, html = path.stem, path.read_text()
        if name == "deep":
            html = html.replace("<div>", "<div>" * DEEP)
        evil = fill(WORDS[index % len(WORDS)], url)
        yield name, message(f"{name}: {evil}", fill(html, url), evil, evil, evil[:120], url)
    for index, words in enumerate(WORDS):
        evil = fill(words, url)
        yield f"words {index}", message(evil, f"<p>{evil}</p>", evil, evil, evil[:120], url)
