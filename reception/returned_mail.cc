#include "reception/returned_mail.h"

#include "core/bytes.h"
#include "core/header_text.h"
#include "mime/part_list.h"
#include "reception/notice.h"

#include <re2/re2.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace postern::reception {
namespace {

using relay::FailureClass;

RE2::Options reader_options() {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  return options;
}

bool holds(std::string_view text, const RE2& pattern) {
  return RE2::PartialMatch({text.data(), text.size()}, pattern);
}

std::string field_of(std::string_view header, std::string_view name) {
  return header_text(mime::listed_field(header, name).value_or(""), 1'000);
}

// What the header says of who writes.
bool is_from_daemon(std::string_view header) {
  static const RE2 daemon(
      R"(^\s*"?(?:<?(?:mailer[-_ .]?daemon|post[-_]?master|mail-?daemon|mail(?:er)? ?(?:delivery|administrator)|bounces?)"
      R"(|mdaemon|double-bounce)\b)"
      R"(|mail delivery (?:sub)?system|microsoft outlook|system administrator|mail system)|<(?:mailer-daemon|postmaster)"
      R"(|mail-daemon)@)"
      R"(|^\s*<?(?:no-?reply|complaints|bounces?)@|^\s*<>\s*$)",
      reader_options());
  return holds(field_of(header, "From"), daemon);
}

bool has_subject_of_report(std::string_view header) {
  static const RE2 subject(
      R"(undeliver|non[- ]?deliver|not delivered|delivery (?:status|failure|notification|problem|error|has failed|report)"
      R"(|delay|incomplete)|deliver(?:y|ed)? fail|failed (?:mail|delivery|message))"
      R"(|mail (?:delivery|system|failure|error)|returned? (?:mail|to sender|message)|failure notice|delivery failure)"
      R"(|message (?:you sent|status|not delivered|blocked|could not))"
      R"(|could not (?:be delivered|send)|error sending your (?:mail|message)|delayed|warning: (?:message|could not)|bounce)"
      R"(|unzustellbar|nicht zustell|non remis|non recapitabil|impossible de remettre|no se puede entregar|nie dostarczon)"
      R"(|email not delivered|dsn:)"
      R"(|\b(?:\xd0\x9d\xd0\xb5\xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2)|\xe9\x85\x8d\xe4\xbf\xa1)"
      R"(|\xd0\xbd\xd0\xb5 \xd0\xb4\xd0\xbe\xd1\x81\xd1\x82\xd0\xb0\xd0\xb2)",
      reader_options());
  return holds(field_of(header, "Subject"), subject);
}

bool is_auto_reply(std::string_view header) {
  static const RE2 subject(
      R"(^\s*(?:re:\s*)?(?:auto(?:matic)?(?:ed|ally)?[- _]?(?:generated )?(?:reply|response|answer|replied)|auto:)"
      R"(|out of (?:the )?office|(?:i am |i'm )?(?:on vacation|on holiday|away from)|vacation)"
      R"(|abwesen|automatische (?:antwort|reaktie)|r\xc3\xa9ponse automatique|absence|respuesta autom|risposta automatica)"
      R"(|resposta autom|\xe8\x87\xaa\xe5\x8b\x95))"
      R"(|out of (?:the )?office|\booo\b)",
      reader_options());
  const std::string submitted = to_ascii_lower(field_of(header, "Auto-Submitted"));
  const std::string precedence = to_ascii_lower(field_of(header, "Precedence"));
  if (submitted.starts_with("auto-replied") || submitted.starts_with("auto-notified")) return true;
  if (precedence == "auto_reply" || precedence == "auto-reply") return true;
  for (const char* name : {"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-AutoReply-From", "X-Mail-Autoreply"}) {
    if (mime::listed_field(header, name)) return true;
  }
  if (equals_ignoring_case(field_of(header, "X-Apple-Action"), "vacation")) return true;
  return holds(field_of(header, "Subject"), subject);
}

bool is_challenge(std::string_view header, std::string_view words) {
  static const RE2 subject(
      R"(\bchallenge\b|(?:please|must|to) (?:confirm|verify|authenticate)|confirm(?:ation)? (?:your|of your|request)"
      R"(|required)|verify your(?:self| e?-?mail| message)|sender (?:verification|confirmation|authentication)|spam ?arrest)"
      R"(|boxbe|approve me)",
      reader_options());
  static const RE2 asks(
      R"((?:prove|verify|confirm)\w* (?:that )?(?:you(?:'re| are)?|the sender is) .{0,30}(?:human|person|real|spammer)"
      R"(|machine)|(?:click|visit|follow|reply) .{0,80}(?:to (?:be added|have your (?:message|mail) delivered|confirm)"
      R"(|release|approve)|so that your (?:message|mail))|(?:approved|allowed|white) ?-?senders?(?: list)?|whitelist)",
      reader_options());
  return mime::listed_field(header, "X-Spamarrest-Nospam") || (holds(field_of(header, "Subject"), subject) && holds(words, asks));
}

// Words that only a report of a failed or late delivery has.
bool says_not_delivered(std::string_view words) {
  static const RE2 pattern(
      R"((?:could|can|was|were|has|have|did|been)(?: not|n't|not) (?:be |been |yet )?(?:deliver|sent|reach|send))"
      R"(|unable to deliver|undeliverable|(?:delivery|message).{0,60}(?:fail|delayed|problem|error)|failed (?:to deliver)"
      R"(|permanently|recipient)|fail\w* .{0,20}deliver)"
      R"(|(?:fatal|delivery|permanent|transient|these) (?:errors?|failures?)|following (?:address|recipient)|(?:was|been)"
      R"(|is) rejected|returned (?:mail|to (?:you|sender|the sender))|(?:mailbox|user|account|recipient)"
      R"(|address).{0,40}(?:full|unknown|not found|does(?: not|n't) exist|invalid)|error sending|trouble delivering)"
      R"(|not able to deliver|[45]\d\d [45]\.\d\.\d|\b55\d\b)",
      reader_options());
  return holds(words, pattern);
}

bool says_it_goes_on(std::string_view words) {
  static const RE2 pattern(
      R"(warning (?:message )?only|still (?:being )?(?:retr|try|attempt)|will (?:be retried|keep trying|continue (?:to)"
      R"(|trying))|do not need to resend|delivery attempts will continue|has been delayed|is delayed|not yet been delivered)"
      R"(|will retry)",
      reader_options());
  static const RE2 over(R"(giv(?:en|ing) up|failed permanently|permanent (?:fatal )?error|not going to try|too long)"
                        R"(|undeliverable)",
                        reader_options());
  return holds(words, pattern) && !holds(words, over);
}

// Up to where in the dialogue the next hop listened.
enum class Stage { Unknown, Opening, Sender, Recipient, Content };

Stage stage_of(std::string_view words) {
  static const RE2 content(
      R"(in reply to (?:end of )?data|after (?:end of data|sending data|data\b)|end of data command)"
      R"(|failed after i sent the message|\((?:end of )?data\)|>>> (?:data|\.)\b|while sending (?:message )?(?:body|data))"
      R"(|after dot|message (?:content )?(?:transmission|text))",
      reader_options());
  static const RE2 recipient(
      R"(in reply to rcpt|after (?:pipelined )?rcpt|(?:does|did) not like (?:recipient|our rcpt)|rcpt to response|\(rcpt to)"
      R"(|>>> rcpt|while (?:sending )?rcpt|rcpt to:?\s?[<a-z]|in (?:the )?rcpt|recipient command)",
      reader_options());
  static const RE2 sender(R"(in reply to mail from|after (?:pipelined )?mail from|(?:does|did) not like (?:sender|our mail))"
                          R"(|\(mail from|>>> mail|mail from command)",
                          reader_options());
  static const RE2 opening(R"(in reply to (?:ehlo|helo|initial)|refused to talk to me|after initial connection|after (?:ehlo|helo))"
                           R"(|greeting failed|>>> (?:ehlo|helo)|\((?:ehlo|helo)|while performing the (?:ehlo|helo))",
                           reader_options());
  // Pipelined commands are quoted in front of all replies: nobody can tell which of them was refused.
  static const RE2 pipelined(R"(no valid recipients|<<< 503|need rcpt)", reader_options());
  if (holds(words, content)) return holds(words, pipelined) ? Stage::Unknown : Stage::Content;
  if (holds(words, recipient)) return Stage::Recipient;
  if (holds(words, sender)) return Stage::Sender;
  return holds(words, opening) ? Stage::Opening : Stage::Unknown;
}

std::optional<EnhancedCode> enhanced_in(std::string_view words) {
  static const RE2 pattern(R"((?:^|[^0-9.])([245]\.\d{1,3}\.\d{1,3})(?:[^0-9.]|\.?(?:\s|$)))", reader_options());
  std::string found;
  if (!RE2::PartialMatch({words.data(), words.size()}, pattern, &found)) return std::nullopt;
  return parse_enhanced_code(found);
}

// A reply, and the words behind it on its line and those that go on with it.
struct SaidReply {
  std::uint16_t code = 0;
  std::string words;
};
std::optional<SaidReply> reply_in(std::string_view words) {
  // Where a transcript or a sentence quotes a server, before numbers that happen to stand alone.
  static const RE2 quoted(R"((?s)(?:<<<|said:|responded:?|response:?|reason:|returned:?|error:?|message:|\[|"|'|:)"
                          R"(|\()\s*\b(([45][0-5]\d)[ -].*))",
                          reader_options());
  static const RE2 plain(R"((?s)(?:^|[^0-9.@#/-])(([45][0-5]\d)[ -](?:[45]\.\d{1,3}\.\d{1,3}|[^\d\s(]).*))", reader_options());
  std::string found;
  std::string code;
  for (const RE2* pattern : {&quoted, &plain}) {
    if (!RE2::PartialMatch({words.data(), words.size()}, *pattern, &found, &code)) continue;
    SaidReply reply;
    std::from_chars(code.data(), code.data() + code.size(), reply.code);
    reply.words = found;
    return reply;
  }
  return std::nullopt;
}

std::string one_line(std::string_view words) {
  std::string line;
  for (const char c : words) {
    const bool is_blank = c == '\n' || c == '\t' || c == ' ';
    if (!is_blank) line.push_back(c);
    if (is_blank && !line.empty() && line.back() != ' ') line.push_back(' ');
    if (line.size() >= 4 * relay::kMaxClassifiedOctets) break;
  }
  return std::string(trim_ascii_space(line));
}

// Sentences that every report has: they say nothing of this failure.
std::string without_boilerplate(std::string_view words) {
  static const RE2 pattern(
      R"((?:this is|i'm|sorry to|for further assistance|if you do so|delete your own|the mail system|your message (?:did)"
      R"(|was) not|message that you sent|this message was created|this is a permanent error|do not (?:reply|resend))"
      R"(|the original message was received)[^\n]*)",
      reader_options());
  std::string kept(words);
  RE2::GlobalReplace(&kept, pattern, "");
  return kept;
}

// "550 5.1.1 no such user" → "no such user".
std::string_view without_codes(std::string_view line) {
  static const RE2 codes(R"(^[245]\d\d[ -]+(?:[245]\.\d{1,3}\.\d{1,3}[ -]+)?)", reader_options());
  re2::StringPiece piece(line.data(), line.size());
  RE2::Consume(&piece, codes);
  return {piece.data(), piece.size()};
}

struct Evidence {
  Status status;
  FailureClass about = FailureClass::Undetermined;
  Stage stage = Stage::Unknown;
  std::string words;                // that decided
  bool is_said_of_mailbox = false;  // a reporter that sorts failures itself says so
};

class Weighing {
 public:
  explicit Weighing(std::string_view remote) : remote_(remote.empty() ? "-" : remote) {}

  void add_code(std::optional<EnhancedCode> code) {
    if (code && code->klass != 2 && !(code->subject == 0 && code->detail == 0)) code_ = code_ ? code_ : code;
    if (code && !klass_) klass_ = code->klass;
  }
  // From the most exact to the least.
  void add_words(std::string_view words) {
    const std::string line = one_line(words);
    if (line.empty()) return;
    if (const auto reply = reply_in(words)) {
      if (reply_ == 0) reply_ = reply->code;
      const std::string said = one_line(reply->words);
      if (const auto code = enhanced_in(said.substr(0, 200))) add_code(code);
      texts_.push_back(said);
    } else if (const auto code = enhanced_in(line)) {
      add_code(code);
    }
    texts_.push_back(line);
    if (stage_ == Stage::Unknown) stage_ = stage_of(line);
  }

  Evidence judge(bool is_failed) const {
    Evidence evidence{.status = {}, .stage = stage_, .words = {}};
    Status& status = evidence.status;
    status.enhanced = code_;
    // Given up for good, whatever the last attempt said.
    const bool is_final = is_failed && klass_.value_or(5) == 5;
    status.code = reply_ != 0 ? reply_ : is_final ? std::uint16_t{500} : std::uint16_t{400};
    status.text = texts_.empty() ? std::string() : printable_utf8(without_codes(texts_.front()), relay::kMaxClassifiedOctets);
    if (const auto decisive = by_decisive_code()) {
      evidence.about = *decisive;
      return evidence;
    }
    std::optional<FailureClass> vague;
    for (const std::string& text : texts_) {
      const Status said{is_failed ? std::uint16_t{550} : status.code, code_, text};
      const auto found = relay::classify_words(said, remote_);
      if (!found) continue;
      // Who is over quota is there, whatever the gateway in front says of him.
      const bool is_better =
          evidence.words.empty() || (evidence.about == FailureClass::Recipient && *found == FailureClass::MailboxFull);
      if (!is_vague(*found) && is_better) {
        evidence.about = *found;
        evidence.words = text;
      }
      vague = vague ? vague : found;
    }
    if (!evidence.words.empty()) return evidence;
    if (vague && (reply_ == 521 || reply_ == 556)) vague = FailureClass::RecipientDomain;  // RFC 7504 §4
    const std::uint16_t code = reply_ != 0 ? reply_ : std::uint16_t{550};
    evidence.about = relay::classify_failure({code, code_, {}}, remote_);
    if (vague && (evidence.about == FailureClass::Undetermined || is_vague(evidence.about))) evidence.about = *vague;
    return evidence;
  }

 private:
  // Codes whose one meaning no words change (RFC 3463 §3.2).
  std::optional<FailureClass> by_decisive_code() const {
    if (!code_ || code_->subject != 1) return std::nullopt;
    if (code_->detail == 6) return FailureClass::RecipientMoved;
    if (code_->detail == 7 || code_->detail == 8) return FailureClass::Sender;
    return std::nullopt;
  }
  // Words that go with any failure: others, further back in the report, may say more.
  static bool is_vague(FailureClass about) {
    return about == FailureClass::System || about == FailureClass::Policy || about == FailureClass::Protocol ||
           about == FailureClass::Undetermined;
  }

  std::string remote_;
  std::vector<std::string> texts_;
  std::optional<EnhancedCode> code_;
  std::optional<std::uint8_t> klass_;
  std::uint16_t reply_ = 0;
  Stage stage_ = Stage::Unknown;
};

bool is_of_address(FailureClass about) {
  return about == FailureClass::Recipient || about == FailureClass::RecipientMoved || about == FailureClass::RecipientDomain;
}

// Words about the mailbox count as such where they were said to RCPT, or with a code for it; said after the content, or by nobody
// in particular, they are a filter's.
bool is_filters_word(const Evidence& evidence) {
  // What a directory was asked, and a provider that says it so only of users that it does not have.
  static const RE2 explicit_words(
      R"(not (?:listed )?in (?:the |public )?(?:name|directory|address book)|name is not recogni[sz]ed)"
      R"(|delivery error: dd this user|\b(?:ofr|lpn)[0-9]*_41[68]|(?:mail\.local|vdeliver\w*|local delivery).{0,40}unknown)",
      reader_options());
  if (evidence.stage == Stage::Recipient || evidence.is_said_of_mailbox) return false;
  const auto& code = evidence.status.enhanced;
  const bool names_mailbox = code && code->subject == 1 && (code->detail <= 3 || code->detail == 10 || code->detail == 351);
  return !names_mailbox && !holds(evidence.words, explicit_words);
}

// "Content rejected": by its code for its form (RFC 3463 §3.7).
bool is_about_form(const Evidence& evidence) {
  static const RE2 rejected("content (?:was )?rejected", reader_options());
  return evidence.status.enhanced && evidence.status.enhanced->subject == 6 && holds(evidence.words, rejected);
}

FailureClass weighed(const Evidence& evidence) {
  switch (evidence.about) {
    case FailureClass::Recipient:
      return is_filters_word(evidence) ? FailureClass::RecipientFilter : evidence.about;
    case FailureClass::Spam:
      return is_about_form(evidence) ? FailureClass::Content : evidence.about;
    case FailureClass::Policy:
    case FailureClass::Undetermined:
      if (evidence.stage == Stage::Sender) return FailureClass::Sender;
      [[fallthrough]];
    case FailureClass::System:
    case FailureClass::Protocol:
      // Whoever is turned away at the door is so for his address.
      return evidence.stage == Stage::Opening ? FailureClass::Reputation : evidence.about;
    default:
      return evidence.about;
  }
}

void conclude(const Weighing& weighing, bool is_said_of_mailbox, ReturnedRecipient& recipient) {
  const bool is_failed = recipient.outcome == ReturnedOutcome::Failed;
  Evidence evidence = weighing.judge(is_failed);
  evidence.is_said_of_mailbox = is_said_of_mailbox;
  recipient.about = weighed(evidence);
  recipient.status = std::move(evidence.status);
  const bool is_vague = recipient.about == FailureClass::Undetermined || recipient.about == FailureClass::System ||
                        recipient.about == FailureClass::Protocol;
  if (!is_failed && is_vague) recipient.about = FailureClass::Expired;
  recipient.is_hard = is_failed && is_of_address(recipient.about);
}

ReturnedOutcome outcome_of(std::string_view action, std::string_view words) {
  if (action == "delayed") return ReturnedOutcome::Delayed;
  if (action == "deliverable" || action == "delivered" || action == "relayed" || action == "expanded")
    return ReturnedOutcome::Delivered;
  if (action.empty() && says_it_goes_on(words)) return ReturnedOutcome::Delayed;
  return ReturnedOutcome::Failed;
}

// The words about one address; all of them where there is one only.
std::string_view words_about(const std::vector<Passage>& passages, std::string_view address, std::string_view all) {
  for (const Passage& passage : passages) {
    if (equals_ignoring_case(passage.address, address)) return passage.words;
  }
  return passages.size() <= 1 ? all : std::string_view();
}

void read_fields(const Notice& notice, std::string_view words, ReturnedMail& mail) {
  const std::vector<Passage> passages = passages_of(words);
  for (const RecipientFields& fields : notice.fields) {
    ReturnedRecipient recipient;
    recipient.address = fields.recipient;
    recipient.remote = printable_utf8(fields.remote, 255);
    recipient.outcome = outcome_of(fields.action, words);
    if (fields.action.empty() && fields.status.starts_with('2')) recipient.outcome = ReturnedOutcome::Delivered;
    Weighing weighing(fields.remote);
    weighing.add_words(fields.diagnostic);
    weighing.add_code(parse_enhanced_code(fields.status));
    const std::string_view own = words_about(passages, fields.recipient, words);
    weighing.add_words(own);
    if (notice.fields.size() == 1) weighing.add_words(words);
    if (recipient.outcome != ReturnedOutcome::Delivered) {
      // PowerMTA's own sorting; a report without Status tells what RCPT was answered.
      conclude(weighing, fields.category == "bad-mailbox" || fields.status.empty(), recipient);
    }
    const bool is_unclear = recipient.about == FailureClass::Undetermined || recipient.about == FailureClass::System;
    if (fields.diagnostic_type.starts_with("x-unix") && is_unclear) {
      recipient.about = FailureClass::Mailer;
    }
    mail.recipients.push_back(std::move(recipient));
  }
}

void read_words(std::string_view words, std::string_view failed_recipients, ReturnedMail& mail) {
  for (const Passage& passage : passages_of(words)) {
    if (mail.recipients.size() >= kMaxReturnedRecipients) break;
    ReturnedRecipient recipient;
    recipient.address = passage.address;
    if (recipient.address.empty() && failed_recipients.find(',') == std::string_view::npos) {
      recipient.address = printable_utf8(trim_ascii_space(failed_recipients), 320);
    }
    recipient.outcome = outcome_of({}, words);
    Weighing weighing({});
    weighing.add_words(passage.words);
    conclude(weighing, false, recipient);
    mail.recipients.push_back(std::move(recipient));
  }
}

void read_feedback(const Notice& notice, ReturnedMail& mail) {
  const std::string& fields = *notice.feedback;
  mail.feedback_type = to_ascii_lower(printable_utf8(mime::listed_field(fields, "Feedback-Type").value_or("abuse"), 40));
  const bool complains = mail.feedback_type != "not-spam" && mail.feedback_type != "auth-failure" &&
                         mail.feedback_type != "dmarc" && !mail.feedback_type.starts_with("auth");
  mail.kind = complains ? ReturnedKind::Complaint : ReturnedKind::Feedback;
  const auto add = [&mail](std::string_view value) {
    for (const Passage& passage : passages_of(value)) {
      if (passage.address.empty() || mail.recipients.size() >= kMaxReturnedRecipients) continue;
      mail.recipients.push_back({.address = passage.address, .status = {}, .remote = {}});
    }
  };
  for (std::size_t at = 0; at < fields.size();) {
    const std::size_t end = std::min(fields.find('\n', at), fields.size());
    const std::string_view line = std::string_view(fields).substr(at, end - at);
    if (starts_with_ignoring_case(line, "original-rcpt-to:")) add(line.substr(line.find(':') + 1));
    at = end + 1;
  }
  if (!mail.recipients.empty()) return;
  // Microsoft's report has three fields: the mail itself names whom it went to.
  for (const char* name : {"X-HmXmrOriginalRecipient", "Delivered-To", "X-Original-To", "To"}) {
    if (const auto value = mime::listed_field(notice.original, name)) add(*value);
    if (!mail.recipients.empty()) return;
  }
}

bool is_complaint_in_words(const Notice& notice, std::string_view header) {
  static const RE2 subject(R"(^\s*(?:complaint about message|abuse report|spam report))", reader_options());
  return !notice.original.empty() && holds(field_of(header, "Subject"), subject);
}

bool is_report(const Notice& notice, std::string_view header) {
  if (!notice.fields.empty()) return true;
  if (mime::listed_field(header, "X-Failed-Recipients")) return true;
  const bool is_from = is_from_daemon(header);
  const bool is_called = has_subject_of_report(header);
  if (!is_from && !is_called && !notice.is_status_report) return false;
  return says_not_delivered(notice.words) || says_it_goes_on(notice.words) || (is_from && is_called);
}

// A report that somebody, or a machine on the way, has wrapped.
std::optional<ReturnedMail> read_wrapped(const std::vector<mime::ListedPart>& parts);

ReturnedMail read_once(std::string_view message, int depth) {
  const auto [header, body] = mime::split_header(message);
  const std::vector<mime::ListedPart> parts = mime::list_parts(message);
  Notice notice = read_notice(parts, header);
  ReturnedMail mail;
  if (notice.feedback || is_complaint_in_words(notice, header)) {
    if (!notice.feedback) notice.feedback.emplace();
    read_feedback(notice, mail);
    return mail;
  }
  const std::string type = mime::listed_field(header, "Content-Type").value_or("");
  const bool is_disposition =
      equals_ignoring_case(mime::field_parameter(type, "report-type").value_or(""), "disposition-notification");
  const bool is_machine_of_person = is_auto_reply(header) && notice.fields.empty() && !is_from_daemon(header);
  if (is_disposition || is_machine_of_person) {
    mail.kind = ReturnedKind::AutoReply;
    return mail;
  }
  const std::string words = without_boilerplate(notice.words);
  if (notice.fields.empty() && is_challenge(header, notice.words)) {
    mail.kind = ReturnedKind::Challenge;
  } else if (auto wrapped = depth == 0 && notice.fields.empty() ? read_wrapped(parts) : std::nullopt) {
    return *std::move(wrapped);
  } else if (is_report(notice, header)) {
    mail.kind = ReturnedKind::Report;
    read_fields(notice, words, mail);
    if (mail.recipients.empty()) read_words(words, field_of(header, "X-Failed-Recipients"), mail);
  }
  return mail;
}

std::optional<ReturnedMail> read_wrapped(const std::vector<mime::ListedPart>& parts) {
  for (const mime::ListedPart& part : parts) {
    if (part.type != "message/rfc822") continue;
    const std::string type = to_ascii_lower(mime::listed_field(mime::split_header(part.body).header, "Content-Type").value_or(""));
    if (type.starts_with("multipart/report")) return read_once(part.body, 1);
  }
  return std::nullopt;
}

}  // namespace

std::string_view returned_kind_name(ReturnedKind kind) {
  switch (kind) {
    case ReturnedKind::Report:
      return "report";
    case ReturnedKind::Complaint:
      return "complaint";
    case ReturnedKind::Feedback:
      return "feedback";
    case ReturnedKind::AutoReply:
      return "auto_reply";
    case ReturnedKind::Challenge:
      return "challenge";
    case ReturnedKind::Other:
      return "other";
  }
  return {};
}

ReturnedMail read_returned_mail(std::string_view raw) {
  return read_once(mime::with_lf_line_ends(raw.substr(0, kMaxReadOctets)), 0);
}

bool is_reason_to_suppress(const ReturnedRecipient& recipient) {
  return recipient.outcome == ReturnedOutcome::Failed && relay::concerns_address(recipient.about) &&
         recipient.status.is_permanent();
}

}  // namespace postern::reception
