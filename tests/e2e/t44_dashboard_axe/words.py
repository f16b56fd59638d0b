"""What the dashboard's plain functions make of their input: called in the browser, in the modules that it runs."""

from support import check

# Module, expression over what it exports, what is looked at, what it gives.
ROWS = [
    ("lib/format.js", r"""csv([['a,b', 'say "x"', 3, null]])""", "fields with commas and quotes", '"a,b","say ""x""",3,\r\n'),
    ("lib/format.js", r"csv([['=1+1', '+49', '-x', '@x', -5]])", "no formula in a spreadsheet", "'=1+1,'+49,'-x,'@x,-5\r\n"),
    ("lib/format.js", r"""shellWord("it's $HOME")""", "a shell reads nothing into it", r"'it'\''s $HOME'"),
    ("lib/format.js", r"shellWord('plain-1.2@x')", "no quotes where none are needed", "plain-1.2@x"),
    ("lib/format.js", r"octets(1536)", "sizes", "1.5 KiB"),
    ("lib/format.js", r"duration(90_000)", "durations", "2 min"),
    ("lib/format.js", r"share(1, 3)", "shares", "33 %"),
    ("lib/format.js", r"share(999_999, 1_000_000)", "not all is not everything", "99.9 %"),
    ("lib/format.js", r"share(0, 0)", "of nothing", "–"),
    ("lib/time.js", r"relative(new Date(1_000_000), 1_000_000 + 90_000)", "a while ago", "2 min ago"),
    ("lib/time.js", r"relative(new Date(8_200_000), 1_000_000)", "in a while", "in 2 h"),
    ("lib/time.js", r"utc(new Date(0))", "UTC", "1970-01-01 00:00:00 UTC"),
    ("lib/plot.js", r"[0, 4, 5, 99, 101, 2600].map(roundTop).join()", "round tops", "4,4,5,100,200,5000"),
    ("pages/domain.js", r"""zoneLine({name: 'a.example.org', type: 'TXT', value: 'x "y" ' + 'z'.repeat(300)})""",
     "strings of 255 octets", r'a.example.org. 3600 IN TXT "x \"y\" ' + "z" * 249 + '" "' + "z" * 51 + '"'),
    ("pages/domain.js", r"zoneLine({name: 'a.example.org.', type: 'CNAME', value: 'b.example.org'})", "absolute names",
     "a.example.org. 3600 IN CNAME b.example.org."),
    ("pages/suppressions.js", r"""addressesIn('email,origin\n"a@example.org",bounce\n  b@example.org \n\nnobody\na@example.org')""",
     "addresses of a file", "a@example.org,b@example.org"),
    ("pages/message.js", r"readFields('A: 1\r\n 2\r\nB: x: y\r\n\r\nC: 3').map((f) => f.name + '=' + f.value)", "unfolded fields",
     "A=1 2,B=x: y"),
    ("lib/orders.js", r"""[['a.example', ''], ['.example', ''], ['*', ''], ['b.example', ''], ['a.example', 'key_1']].map(
        ([domain, key_id]) => holdsDomain({action: 'hold', domain, key_id}, 'a.example', 'all')).join()""", "what a hold is of",
     "true,true,true,false,false"),
    ("pages/run.js", r"[5, 65, 3725, 450_000].map(elapsed).join()", "a run's time", "5 s,1 min 5 s,1 h 2 min,5 d 5 h 0 min"),
    ("pages/run.js", r"""happenings({clock: '9', matches: [{at: '2.5', rule: 'r'}], messages: [{events: [{at: '1'}, {at: '2.5'}]}]})
        .map((one) => one.at + (one.match ? 'rule' : '')).join()""", "a rule stands before what it caused", "1,2.5rule,2.5"),
    ("pages/queue.js", r"['a.example', '>backup>b.example', '<test>', '<run>acc_1:02'].map((d) => laneOf(d).domain).join()",
     "whose mail may be held", "a.example,b.example,,"),
    ("lib/checks.js", r"domainOf('Ada <ada@Mail.Example.org>')", "the domain of an address", "mail.example.org"),
    ("lib/dom.js", r"refusal(() => h('a', {href: 'javascript:1'}))", "no link that runs", "a link to elsewhere"),
    ("lib/dom.js", r"refusal(() => h('a', {href: '//host.test/'}))", "no link to elsewhere", "a link to elsewhere"),
    ("lib/dom.js", r"refusal(() => h('p', {onclick: 'x()'}))", "no handler as text", "onclick is not for elements made here"),
    ("lib/dom.js", r"refusal(() => h('p', {style: 'color: red'}))", "no style as text", "style is not for elements made here"),
    ("lib/dom.js", r"refusal(() => h('iframe', {srcdoc: '<p>'}))", "no document as text", "srcdoc is not for elements made here"),
    ("lib/dom.js", r"h('p', '<b>x</b>').childElementCount", "text is text", "0"),
]
CALL = """
const [name, done] = arguments;
const refusal = (make) => { try { make(); return 'nothing'; } catch (error) { return error.message; } };
const base = document.querySelector('script[type=module]').src.replace(/[^/]*$/, '');
import(base + name).then((module) => { with (module) { done(String(%s)); } }).catch((error) => done(String(error)));
"""


def words(page):
    for module, expression, what, wanted in ROWS:
        given = page.driver.execute_async_script(CALL % expression, module)
        check(given == wanted, f"{what}: {expression} gives {given!r}, not {wanted!r}")
