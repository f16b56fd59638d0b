// A function a verb: legal now (the table), well formed (the parsers), then a reply or one question. AUTH is in session_auth.cc,
// BDAT in session_chunks.cc.
#include "core/bytes.h"
#include "smtp/capabilities.h"
#include "smtp/parameters.h"
#include "smtp/session_impl.h"

#include <algorithm>

namespace postern::smtp {
namespace {

bool requires_tls(const Config& config) {
  return config.role == Role::Submission && config.tls == TlsMode::StartTls && !config.allows_auth_without_tls;
}

// The same mailbox, with the same wishes for reports: one delivery, however often a client names it.
bool is_named_already(const std::vector<Recipient>& accepted, const Recipient& recipient) {
  return std::any_of(accepted.begin(), accepted.end(), [&recipient](const Recipient& other) {
    return other.mailbox.local_part == recipient.mailbox.local_part && other.notify == recipient.notify &&
           other.orcpt == recipient.orcpt && equals_ignoring_case(other.mailbox.domain, recipient.mailbox.domain);
  });
}

const FixedReply& parameter_reply(ParameterError error) {
  return error == ParameterError::Unknown ? replies::k555_5_5_4_unknown_parameter : replies::k501_5_5_4_bad_parameter;
}

Objection path_objection(PathError error, Refusal syntax) {
  switch (error) {
    case PathError::NoDomain: return {syntax, "the address has no domain: write user@domain"};
    case PathError::Syntax:
    case PathError::TooLong: break;
    case PathError::InvalidUtf8: return replies::k501_5_5_4_bad_argument;
    // RFC 6531 §3.5.
    case PathError::Needs8BitSupport:
    case PathError::ForbiddenCharacter: return replies::k553_5_6_7_needs_smtputf8;
  }
  return syntax;
}

}  // namespace

void Session::Impl::run_command(std::string_view line) {
  const Command command = parse_command(line);
  const VerbRow& row = *command.row;
  if (row.verb == Verb::NotSmtp) return hang_up(replies::k502_5_5_1_not_smtp);
  // What is no command may be a key at the wrong place.
  const bool is_known = row.verb != Verb::Unknown && row.verb != Verb::NotOffered;
  is_known ? transcript.client_said(row.name, line) : transcript.client_did("(no command)");
  const bool is_chunk = row.verb == Verb::Bdat;
  if (line.size() + 2 > row.max_octets) {
    return is_chunk ? hang_up(replies::k500_5_5_6_line_too_long) : say(replies::k500_5_5_6_line_too_long);
  }
  if (row.verb == Verb::Unknown) return say(replies::k500_5_5_1_unknown_command);
  if (row.verb == Verb::NotOffered) return say(replies::k502_5_5_1_not_offered);
  stage = row.name;
  if (const auto objection = objection_to(row)) {
    object(*objection);
    // Its octets come next, and nobody who may not send mail yet has them read.
    if (is_chunk && !is_closing) end_session(stage, true);
    return;
  }
  if (!row.takes_argument && !command.argument.empty()) return say(replies::k501_5_5_4_bad_argument);
  if (row.is_junk) count_junk();
  if (!is_closing) run_verb(command);
}

// Not legal now, by the table.
std::optional<Objection> Session::Impl::objection_to(const VerbRow& row) const {
  if (!row.before_ehlo && helo_name.empty()) return replies::k503_5_5_1_ehlo_first;
  if (!row.before_tls && !tls && requires_tls(config)) return replies::k530_5_7_0_starttls_first;
  const bool wants_auth = config.role == Role::Submission && !is_authenticated;
  if (!row.before_auth && wants_auth) return Refusal::AuthRequired;
  if (!row.in_transaction && transaction) return replies::k503_5_5_1_in_transaction;
  return std::nullopt;
}

void Session::Impl::run_verb(const Command& command) {
  switch (command.row->verb) {
    case Verb::Ehlo: return say_hello(command.argument, true);
    case Verb::Helo: return say_hello(command.argument, false);
    case Verb::StartTls: return start_tls();
    case Verb::Auth: return authenticate(command.argument);
    case Verb::Mail: return mail(command.argument);
    case Verb::Rcpt: return rcpt(command.argument);
    case Verb::Data: return data();
    case Verb::Bdat: return bdat(command.argument);
    case Verb::Rset:
      end_transaction();
      return say(replies::k250_2_0_0_ok);
    case Verb::Noop: return say(replies::k250_2_0_0_ok);
    case Verb::Help: return say(replies::k214_2_0_0_help);
    // RFC 5321 §7.3: no address is confirmed to anyone.
    case Verb::Vrfy:
      return say(command.argument.empty() ? replies::k501_5_5_4_bad_argument : replies::k252_2_5_0_cannot_verify);
    case Verb::Quit:
      say(replies::k221_2_0_0_bye);
      return end_session("QUIT", true);
    case Verb::NotOffered:
    case Verb::NotSmtp:
    case Verb::Unknown: return;
  }
}

void Session::Impl::say_hello(std::string_view name, bool is_ehlo) {
  if (name.empty()) return say(replies::k501_bad_helo);
  // RFC 5321 §4.1.4: EHLO is also RSET.
  end_transaction();
  // Deviation: RFC 5321 §4.1.1.1 wants a domain or an address literal, and clients say what their computer is called. It decides
  // nothing; escaped it deceives nobody.
  helo_name = escape_for_log(name, kMaxHeloOctets);
  said_ehlo = is_ehlo;
  ++hellos;
  if (is_ehlo) return append_multiline_reply(output, 250, capabilities(config, tls.has_value(), is_authenticated, opened_at));
  append_multiline_reply(output, 250, {config.hostname});
}

void Session::Impl::start_tls() {
  if (tls) return say(replies::k503_5_5_1_already_tls);
  if (config.tls != TlsMode::StartTls) return say(replies::k502_5_5_1_not_offered);
  say(replies::k220_2_0_0_ready_for_tls);
  asked = StartTls{};
}

void Session::Impl::mail(std::string_view argument) {
  auto parsed = parse_mail_argument(argument);
  if (!parsed) return refuse(Refusal::InvalidSender);
  if (parsed->path.error) return object(path_objection(*parsed->path.error, Refusal::InvalidSender));
  auto parameters = parse_mail_parameters(parsed->parameters);
  if (const auto* error = std::get_if<ParameterError>(&parameters)) return say(parameter_reply(*error));
  auto& given = std::get<EnvelopeParameters>(parameters);
  // RFC 8689 §2: offered under TLS only.
  if (given.require_tls && !tls) return say(replies::k555_5_5_4_unknown_parameter);
  if (given.hold && config.max_hold_seconds == 0) return say(replies::k555_5_5_4_unknown_parameter);
  const auto& mailbox = parsed->path.mailbox;
  if (mailbox && mailbox->needs_smtputf8() && !given.smtputf8) return say(replies::k553_5_6_7_needs_smtputf8);
  // RFC 1870 §6.1: refused before the data travels.
  if (given.declared_size.value_or(0) > config.max_message_octets) return refuse(Refusal::MessageTooBig);
  transaction = std::make_unique<Transaction>();
  transaction->envelope.reverse_path = std::move(parsed->path.mailbox);
  transaction->envelope.parameters = std::move(given);
  asked = JudgeSender{&transaction->envelope.reverse_path, &transaction->envelope.parameters};
}

void Session::Impl::take_sender_answer(const Verdict& verdict) {
  if (!verdict.is_accepted()) {
    transaction.reset();
    say_refused(verdict);
    return count_junk();
  }
  transaction->is_known = true;
  say_accepted(verdict, replies::k250_2_1_0_sender_ok);
}

std::variant<Recipient, Objection> Session::Impl::parse_recipient(std::string_view argument) const {
  auto parsed = parse_rcpt_argument(argument);
  if (!parsed) return Refusal::InvalidRecipient;
  if (parsed->path.error) return path_objection(*parsed->path.error, Refusal::InvalidRecipient);
  if (!parsed->path.mailbox) return Refusal::InvalidRecipient;
  Recipient recipient{std::move(*parsed->path.mailbox), {}, {}};
  // RFC 5321 §4.1.1.3: <Postmaster> is a mailbox of this host.
  if (recipient.mailbox.domain.empty()) recipient.mailbox.domain = config.hostname;
  if (recipient.mailbox.needs_smtputf8() && !transaction->envelope.parameters.smtputf8) {
    return replies::k553_5_6_7_needs_smtputf8;
  }
  recipient.mailbox = outgoing_mailbox(std::move(recipient.mailbox));
  if (const auto error = parse_rcpt_parameters(parsed->parameters, recipient)) return parameter_reply(*error);
  // RFC 6533 §3: octets above 127 in ORCPT belong to SMTPUTF8 too; without it there is an encoding for them.
  if (has_high_octet(recipient.orcpt) && !transaction->envelope.parameters.smtputf8) {
    return replies::k553_5_6_7_needs_smtputf8;
  }
  return recipient;
}

void Session::Impl::rcpt(std::string_view argument) {
  if (!transaction) return say(replies::k503_5_5_1_mail_first);
  if (transaction->is_chunked) return say(replies::k503_5_5_1_after_bdat);
  auto parsed = parse_recipient(argument);
  if (const auto* objection = std::get_if<Objection>(&parsed)) return object(*objection);
  auto& recipient = std::get<Recipient>(parsed);
  // Refused ones count too: a transaction asks no more questions than that.
  if (transaction->judged >= config.max_recipients) return refuse(Refusal::TooManyRecipients);
  ++transaction->judged;
  if (is_named_already(transaction->envelope.recipients, recipient)) return say(replies::k250_2_1_5_recipient_ok);
  transaction->candidate = std::move(recipient);
  asked = JudgeRecipient{&transaction->candidate};
}

void Session::Impl::take_recipient_answer(const Verdict& verdict) {
  if (!verdict.is_accepted()) return say_refused(verdict);
  transaction->envelope.recipients.push_back(std::move(transaction->candidate));
  say_accepted(verdict, replies::k250_2_1_5_recipient_ok);
}

void Session::Impl::data() {
  if (!transaction) return say(replies::k503_5_5_1_mail_first);
  if (transaction->is_chunked) return say(replies::k503_5_5_1_after_bdat);
  if (const FixedReply* reply = refuse_content_early()) return say(*reply);
  asked = OpenMessage{&transaction->envelope};
}

const FixedReply* Session::Impl::refuse_content_early() const {
  if (transaction->judged == 0) return &replies::k503_5_5_1_rcpt_first;
  if (transaction->envelope.recipients.empty()) return &replies::k554_5_5_1_no_valid_recipients;
  return nullptr;
}

void Session::Impl::take_open_answer(const OpenAnswer& answer) {
  if (transaction->is_chunked) return take_chunked_open_answer(answer);
  if (answer.refusal) {
    say_refused(*answer.refusal);
    end_transaction();
    return count_junk();
  }
  transaction->sink = answer.sink;
  phase = Phase::Content;
  say(replies::k354_send_content);
}

void Session::Impl::take_commit_answer(const Verdict& verdict) {
  // Committed or refused, the product has let go of it.
  transaction->is_known = false;
  end_transaction();
  if (!verdict.is_accepted()) {
    say_refused(verdict);
    return count_junk();
  }
  errors_ = junk_ = 0;
  say_accepted(verdict, replies::k250_2_0_0_ok);
  if (verdict.ends_session()) end_session(stage, true);
}

}  // namespace postern::smtp
