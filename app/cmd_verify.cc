// postern verify: whom a message is from, by SPF, DKIM, DMARC and ARC, and why: what the checks of mail that arrives would say.
#include "app/commands.h"

#include "app/config_values.h"
#include "app/message_probe.h"
#include "core/bytes.h"

#include <chrono>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

namespace postern::app {
namespace {

constexpr std::chrono::seconds kVerifyLimit{120};
constexpr std::size_t kMaxVerifiedOctets = 256 * 1'048'576;

using Facts = std::vector<std::pair<std::string, std::string>>;

Result<std::string> read_message_file(const std::string& file) {
  std::ifstream opened;
  if (file != "-") opened.open(file, std::ios::binary);
  std::istream& in = file == "-" ? std::cin : opened;
  if (!in) return Error(ErrorCode::NotFound, printable(file) + " cannot be read");
  std::string content;
  for (std::istreambuf_iterator<char> octet(in), end; octet != end; ++octet) {
    // Files end their lines with LF; what was signed ended with CR LF.
    if (*octet == '\n' && !content.ends_with('\r')) content += '\r';
    content += *octet;
    if (content.size() > kMaxVerifiedOctets) return Error(ErrorCode::LimitExceeded, printable(file) + " is too big");
  }
  return content;
}

std::string with_why(std::string_view result, const std::string& why) {
  return std::string(result) + (why.empty() ? "" : ": " + why);
}

json::object describe_spf(const provenance::SpfVerdict& spf, Facts& facts) {
  facts.emplace_back("SPF", with_why(spf_result_name(spf.result), spf.why));
  if (!spf.explanation.empty()) facts.emplace_back("  the domain says", spf.explanation);
  return {{"result", spf_result_name(spf.result)},
          {"identity", spf.is_helo ? "helo" : "mailfrom"},
          {"domain", spf.domain},
          {"why", spf.why},
          {"explanation", spf.explanation}};
}

json::object describe_dkim(const provenance::DkimVerdict& dkim, Facts& facts) {
  const std::string_view result = signature_result_name(dkim.result);
  const std::string key = dkim.key_bits > 0 ? ", " + std::to_string(dkim.key_bits) + " bits" : "";
  facts.emplace_back("DKIM", with_why(result, dkim.why));
  facts.emplace_back("  of", dkim.domain + " (" + dkim.selector + ", " + dkim.algorithm + key + ")" +
                                 (dkim.is_testing ? ", which is only testing" : ""));
  return {{"result", result},          {"domain", dkim.domain},     {"selector", dkim.selector},  {"algorithm", dkim.algorithm},
          {"identity", dkim.identity}, {"key_bits", dkim.key_bits}, {"testing", dkim.is_testing}, {"why", dkim.why}};
}

json::object describe_dmarc(const provenance::DmarcVerdict& dmarc, Facts& facts) {
  facts.emplace_back("DMARC", with_why(dmarc_result_name(dmarc.result), dmarc.why));
  if (!dmarc.author_domain.empty()) facts.emplace_back("  author", dmarc.author_domain);
  if (!dmarc.policy_domain.empty()) {
    facts.emplace_back("  policy", std::string(dmarc_policy_name(dmarc.policy)) + " of " + dmarc.policy_domain +
                                       (dmarc.is_testing ? ", which is only testing" : ""));
  }
  facts.emplace_back("  to do", std::string(dmarc_policy_name(dmarc.disposition)));
  return {{"result", dmarc_result_name(dmarc.result)},
          {"author_domain", dmarc.author_domain},
          {"organizational_domain", dmarc.organizational},
          {"policy_domain", dmarc.policy_domain},
          {"policy", dmarc_policy_name(dmarc.policy)},
          {"disposition", dmarc_policy_name(dmarc.disposition)},
          {"testing", dmarc.is_testing},
          {"spf_aligned", dmarc.is_spf_aligned},
          {"dkim_aligned", json::array(dmarc.dkim_aligned.begin(), dmarc.dkim_aligned.end())},
          {"why", dmarc.why}};
}

json::object describe_arc(const provenance::ArcVerdict& arc, Facts& facts) {
  facts.emplace_back("ARC", with_why(arc_result_name(arc.result), arc.why));
  json::array sealers;
  for (const provenance::ArcSealer& one : arc.sealers) {
    facts.emplace_back("  " + one.domain + " saw", one.results);
    sealers.push_back(json::object{{"domain", one.domain}, {"selector", one.selector}, {"results", one.results}});
  }
  return {{"result", arc_result_name(arc.result)}, {"sealers", std::move(sealers)}, {"why", arc.why}};
}

}  // namespace

Result<void> verify_message(CommandContext& context, const VerifyOptions& options) {
  provenance::SpfSubject subject;
  if (!options.client.empty()) {
    const auto client = parse_ip_address(options.client);
    if (!client) return Error(ErrorCode::InvalidArgument, "--ip " + printable(options.client) + " is no address");
    subject.client = *client;
  }
  subject.helo = options.helo;
  subject.sender = options.sender;
  if (subject.sender.starts_with('<') && subject.sender.ends_with('>')) {
    subject.sender = subject.sender.substr(1, subject.sender.size() - 2);
  }
  subject.receiver = effective_hostname(context.settings());
  subject.now = context.clock().now();
  const auto content = read_message_file(options.file);
  if (!content) return content.error();
  const auto probe = probe_message(context.settings(), *content, subject, !options.client.empty(), kVerifyLimit);
  if (!probe) return probe.error();
  Facts facts;
  json::object value{{"spf", describe_spf(probe->verdicts.spf, facts)}};
  json::array signatures;
  for (const provenance::DkimVerdict& one : probe->verdicts.dkim) signatures.push_back(describe_dkim(one, facts));
  if (signatures.empty()) facts.emplace_back("DKIM", "none");
  value["dkim"] = std::move(signatures);
  value["dmarc"] = describe_dmarc(probe->verdicts.dmarc, facts);
  value["arc"] = describe_arc(probe->verdicts.arc, facts);
  value["authentication_results"] = probe->field;
  value["forged_results"] = json::array(probe->forged.begin(), probe->forged.end());
  for (const std::string& one : probe->forged) facts.emplace_back("pretends to be ours", one);
  std::string field = probe->field;
  std::erase(field, '\r');
  context.print(value, format_facts(facts) + "\n" + field);
  return {};
}

}  // namespace postern::app
