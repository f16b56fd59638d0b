#include "lab/mail_check.h"

#include "core/bytes.h"
#include "core/idna.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

namespace postern::lab {
namespace {

constexpr std::size_t kMaxPlainLineOctets = 998;        // RFC 5321 §4.5.3.1.6, without its end
constexpr std::size_t kClippedHtmlOctets = 102 * 1024;  // Gmail shows so much, and a link to the rest
constexpr std::size_t kMaxMailOctets = 25U << 20;       // what the large mailbox providers take
constexpr std::size_t kMaxFindingOctets = 80;

class Findings {
 public:
  void add(Severity severity, std::string_view check, std::string words) {
    if (!names_.insert(check).second) return;
    found_.push_back({severity, check, std::move(words)});
  }
  void fault(std::string_view check, std::string words) { add(Severity::Fault, check, std::move(words)); }
  void warn(std::string_view check, std::string words) { add(Severity::Warning, check, std::move(words)); }
  std::vector<MailFinding> take() {
    std::ranges::stable_sort(found_, {}, &MailFinding::severity);
    return std::move(found_);
  }

 private:
  std::set<std::string_view> names_;
  std::vector<MailFinding> found_;
};

std::string shown(std::string_view text) {
  return '"' + printable_utf8(text, kMaxFindingOctets) + '"';
}

// --- Form and header -------------------------------------------------------------------------------------------------

void check_form(const CapturedMail& mail, Findings& findings) {
  if (mail.has_bare_line_end)
    findings.fault("bare_line_end", "a CR or an LF stands alone: receivers refuse that, or read it otherwise");
  if (mail.longest_line > kMaxPlainLineOctets) {
    findings.fault("long_line", "a line has " + std::to_string(mail.longest_line) + " octets; 998 are allowed");
  }
  if (mail.raw.size() > kMaxMailOctets) {
    findings.warn("big", "it has " + std::to_string(mail.raw.size() >> 20) + " MiB; many receivers take 25");
  }
  const std::string_view header = std::string_view(mail.raw).substr(0, mail.raw.find("\r\n\r\n"));
  if (std::ranges::any_of(header, [](char c) { return static_cast<unsigned char>(c) >= 0x80; })) {
    findings.warn("raw_header",
                  "the header has octets above 127: it reaches only receivers with SMTPUTF8; write it as RFC 2047 says");
  }
}

void check_header(const CapturedMail& mail, Findings& findings) {
  constexpr std::array<std::string_view, 11> kOnce = {"From",       "Sender",      "Reply-To",   "To",      "Cc",  "Bcc",
                                                      "Message-ID", "In-Reply-To", "References", "Subject", "Date"};
  for (const std::string_view name : kOnce) {
    if (mail.field_values(name).size() > 1) findings.fault("repeated_field", "there is more than one " + std::string(name));
  }
  for (const std::string_view name : {"From", "Date"}) {
    if (mail.field_values(name).empty()) findings.fault("missing_field", "there is no " + std::string(name));
  }
  if (mail.field_values("Message-ID").empty()) findings.warn("message_id", "there is no Message-ID");
  if (mail.field_values("To").empty() && mail.field_values("Cc").empty()) findings.warn("addressees", "there is neither To nor Cc");
  if (trim_ascii_space(mail.read.subject).empty()) findings.warn("subject", "the subject is empty");
  const bool is_bulk = !mail.field_values("List-Id").empty() || !mail.field_values("Precedence").empty();
  if (mail.unsubscribe.addresses.empty() && is_bulk) {
    findings.warn("unsubscribe", "mail to many without List-Unsubscribe: Gmail and Yahoo ask for it");
  }
  if (!mail.unsubscribe.addresses.empty() && !mail.unsubscribe.is_one_click) {
    findings.warn("one_click",
                  "List-Unsubscribe without the one-click form of RFC 8058: Gmail and Yahoo ask for it of who sends much");
  }
}

// --- Signature -------------------------------------------------------------------------------------------------------

std::string from_domain(const CapturedMail& mail) {
  const std::size_t at = mail.read.from.rfind('@');
  if (at == std::string::npos) return {};
  return to_ascii_lower(mail.read.from.substr(at + 1, mail.read.from.find_first_of(">,; ", at) - at - 1));
}

// The value of d= (RFC 6376 §3.5).
std::string signing_domain(std::string_view signature) {
  for (std::size_t at = 0; at < signature.size();) {
    const std::size_t end = std::min(signature.find(';', at), signature.size());
    const std::string_view tag = trim_ascii_space(signature.substr(at, end - at));
    if (tag.starts_with("d=")) return to_ascii_lower(trim_ascii_space(tag.substr(2)));
    at = end + 1;
  }
  return {};
}

bool is_below(std::string_view domain, std::string_view above) {
  return domain.size() > above.size() && domain.ends_with(above) && domain[domain.size() - above.size() - 1] == '.';
}

void check_signature(const CapturedMail& mail, Findings& findings) {
  const auto signatures = mail.field_values("DKIM-Signature");
  const std::string author = from_domain(mail);
  if (signatures.empty()) {
    return findings.warn("unsigned", "there is no DKIM signature: add and verify the domain (" + shown(author) + ") to have one");
  }
  const bool is_aligned = std::ranges::any_of(signatures, [&](const std::string& signature) {
    const std::string domain = signing_domain(signature);
    return !domain.empty() && (domain == author || is_below(author, domain) || is_below(domain, author));
  });
  if (!is_aligned) {
    findings.warn("alignment", "no signature is of the author's domain " + shown(author) + ": DMARC does not count them");
  }
}

// --- HTML ------------------------------------------------------------------------------------------------------------

struct Tag {
  std::string name;        // in lower case
  std::string attributes;  // in lower case
};

// The tag that begins at `at`, and where it ends; quoted values may hold '>'.
std::pair<Tag, std::size_t> read_tag(std::string_view html, std::size_t at) {
  std::size_t end = at + 1;
  char quote = 0;
  for (; end < html.size() && (quote != 0 || html[end] != '>'); ++end) {
    if (quote == 0 && (html[end] == '"' || html[end] == '\'')) {
      quote = html[end];
    } else if (html[end] == quote) {
      quote = 0;
    }
  }
  const std::string inside = to_ascii_lower(html.substr(at + 1, end - at - 1));
  const std::size_t name_end = std::min(inside.find_first_of(" \t\r\n/"), inside.size());
  return {{inside.substr(0, name_end), inside.substr(name_end)}, std::min(end + 1, html.size())};
}

std::string without_blanks(std::string_view text) {
  std::string squeezed;
  std::ranges::copy_if(text, std::back_inserter(squeezed), [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  return squeezed;
}

struct ElementRule {
  std::string_view element;
  Severity severity;
  std::string_view check;
  std::string_view words;
};
constexpr std::array<ElementRule, 12> kElementRules = {{
    {"script", Severity::Fault, "html_script", "<script> is removed by every client, and counts against the mail"},
    {"iframe", Severity::Fault, "html_embedded", "<iframe> is removed"},
    {"object", Severity::Fault, "html_embedded", "<object> is removed"},
    {"embed", Severity::Fault, "html_embedded", "<embed> is removed"},
    {"form", Severity::Warning, "html_form", "<form> works in few clients, others remove it or warn of it: link to a page"},
    {"input", Severity::Warning, "html_form", "<input> works in few clients, others remove it or warn of it: link to a page"},
    {"video", Severity::Warning, "html_media", "<video> is played by Apple Mail only: have an image that links to it"},
    {"audio", Severity::Warning, "html_media", "<audio> is played by Apple Mail only: link to it"},
    {"svg", Severity::Warning, "html_svg", "inline <svg> is shown neither by Gmail nor by Outlook: use PNG"},
    {"canvas", Severity::Warning, "html_canvas", "<canvas> stays empty, since no script runs"},
    {"base", Severity::Warning, "html_base", "<base> is ignored: write addresses in full"},
    {"link", Severity::Warning, "html_stylesheet", "a style sheet of <link> is fetched by no webmail: write styles into the mail"},
}};

struct StyleRule {
  std::string_view needle;  // without blanks, in lower case
  std::string_view check;
  std::string_view words;
};
constexpr std::array<StyleRule, 8> kStyleRules = {{
    {"@import", "css_import", "@import is fetched by no webmail"},
    {"@font-face", "css_font", "fonts of @font-face are not loaded by Gmail and Outlook: name one that is everywhere behind it"},
    {"position:absolute", "css_position", "position is removed by Gmail and Outlook: lay out with tables"},
    {"position:fixed", "css_position", "position is removed by Gmail and Outlook: lay out with tables"},
    {"display:flex", "css_flex", "flex boxes are not laid out by Outlook: use tables"},
    {"display:grid", "css_grid", "grids are not laid out by Outlook, and removed by Gmail: use tables"},
    {"background-image:", "css_background", "background images are not shown by Outlook: have a colour as well"},
    {"animation:", "css_animation", "animations are removed by Gmail and Outlook"},
}};

void check_tag(const Tag& tag, Findings& findings) {
  const bool is_other_link = tag.name == "link" && tag.attributes.find("stylesheet") == std::string::npos;
  for (const ElementRule& rule : kElementRules) {
    if (rule.element == tag.name && !is_other_link) findings.add(rule.severity, rule.check, std::string(rule.words));
  }
  if (tag.name == "meta" && tag.attributes.find("refresh") != std::string::npos) {
    findings.fault("html_refresh", "<meta http-equiv=refresh> is removed, and counts against the mail");
  }
  if (tag.name == "img" && tag.attributes.find("alt=") == std::string::npos) {
    findings.warn("html_alt", "an image has no alt: where images are blocked, and to who cannot see, it says nothing");
  }
  for (const std::string_view handler : {" onclick=", " onload=", " onerror=", " onmouseover=", " onsubmit="}) {
    if (tag.attributes.find(handler) == std::string::npos) continue;
    findings.fault("html_script", "an event handler (" + std::string(handler.substr(1)) + ") is removed by every client");
  }
}

void check_html(const CapturedMail& mail, Findings& findings) {
  if (!mail.read.html) {
    if (!mail.read.text) findings.warn("empty", "there is neither text nor HTML");
    return;
  }
  const std::string& html = *mail.read.html;
  if (!mail.read.text) findings.warn("text_part", "there is HTML without a text part: filters count that against it");
  if (html.size() > kClippedHtmlOctets) {
    findings.warn("html_clipped",
                  "the HTML has " + std::to_string(html.size() / 1024) + " KiB: Gmail shows 102, and a link to the rest");
  }
  std::string styles;
  for (std::size_t at = html.find('<'); at != std::string::npos; at = html.find('<', at)) {
    if (html.compare(at, 4, "<!--") == 0) {  // what stands in it is for Outlook alone, or for nobody
      at = html.find("-->", at);
      if (at == std::string::npos) break;
      continue;
    }
    auto [tag, end] = read_tag(html, at);
    if (const std::size_t style = tag.attributes.find("style="); style != std::string::npos) styles += tag.attributes.substr(style);
    if (tag.name == "style") {
      const std::size_t close = std::min(html.find("</", end), html.size());
      styles += to_ascii_lower(std::string_view(html).substr(end, close - end));
      end = close;
    }
    check_tag(tag, findings);
    at = end;
  }
  const std::string squeezed = without_blanks(styles);
  for (const StyleRule& rule : kStyleRules) {
    if (squeezed.find(rule.needle) != std::string::npos) findings.warn(rule.check, std::string(rule.words));
  }
}

// --- Links and attachments -------------------------------------------------------------------------------------------

// The host that words such as "www.example.com/login" show; nothing: they show none.
std::string shown_host(std::string_view words) {
  std::string_view rest = trim_ascii_space(words);
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (starts_with_ignoring_case(rest, scheme)) rest.remove_prefix(scheme.size());
  }
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  const bool is_host = host.find('.') != std::string_view::npos && host.find_first_of(" @,") == std::string_view::npos;
  return is_host ? to_ascii_lower(domain_to_ascii(host).value_or("")) : std::string();
}

std::string_view without_www(std::string_view host) {
  if (host.starts_with("www.")) host.remove_prefix(4);
  return host;
}

void check_links(const CapturedMail& mail, Findings& findings) {
  for (const web::MailLink& link : mail.links()) {
    if (starts_with_ignoring_case(link.url, "javascript:")) findings.fault("link_script", "a link runs script: it is removed");
    if (link.element == "img" && starts_with_ignoring_case(link.url, "data:")) {
      findings.warn("data_image", "an image in a data: address is shown neither by Gmail nor by Outlook: attach it, with cid:");
    }
    if (link.element != "a") continue;
    if (starts_with_ignoring_case(link.url, "http:")) findings.warn("plain_link", "a link is not https: " + shown(link.url));
    const std::string host = shown_host(link.words);
    if (host.empty() || link.host.empty()) continue;
    const std::string_view leads = without_www(link.host);
    if (leads == without_www(host) || is_below(leads, without_www(host))) continue;
    findings.fault("link_elsewhere",
                   "a link shows " + shown(host) + " and leads to " + shown(link.host) + ": readers are warned of it");
  }
}

void check_attachments(const CapturedMail& mail, Findings& findings) {
  // Of support.google.com/mail/answer/6590, read 2026-12; others block much the same.
  constexpr std::array<std::string_view, 40> kBlocked = {
      ".ade", ".adp", ".apk", ".appx", ".bat", ".cab",  ".chm", ".cmd", ".com", ".cpl", ".dll", ".dmg", ".exe", ".hta",
      ".img", ".ins", ".iso", ".isp",  ".jar", ".jnlp", ".js",  ".jse", ".lib", ".lnk", ".mde", ".mjs", ".msc", ".msi",
      ".msp", ".mst", ".nsh", ".pif",  ".ps1", ".scr",  ".sct", ".sys", ".vb",  ".vbe", ".vbs", ".wsf"};
  for (const mime::ReadAttachment& attachment : mail.read.attachments) {
    const std::string name = to_ascii_lower(attachment.filename);
    const bool is_blocked = std::ranges::any_of(kBlocked, [&](std::string_view ending) { return name.ends_with(ending); });
    if (is_blocked) findings.fault("blocked_attachment", shown(attachment.filename) + " is of a kind that receivers refuse");
  }
}

}  // namespace

std::string_view severity_name(Severity severity) {
  return severity == Severity::Fault ? "fault" : "warning";
}

std::vector<MailFinding> check_mail(const CapturedMail& mail) {
  Findings findings;
  check_form(mail, findings);
  check_header(mail, findings);
  check_signature(mail, findings);
  check_html(mail, findings);
  check_links(mail, findings);
  check_attachments(mail, findings);
  return findings.take();
}

}  // namespace postern::lab
