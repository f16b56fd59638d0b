// See the header. What Postfix means by a setting: postconf(5) of Postfix 3.7.
#include "app/postfix_import.h"

#include "app/config_keys.h"
#include "core/bytes.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace postern::app {
namespace {

constexpr std::size_t kMaxRoutes = 1'000;
constexpr int kMaxExpansion = 8;                  // "$a" that names "$b" …
constexpr std::size_t kMaxValueOctets = 65'536;  // of one setting, expanded

using Lines = std::vector<std::string>;

// Logical lines: one that begins with a blank goes on with the one before it.
Lines logical_lines(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view trimmed = trim_ascii_space(line);
    if (trimmed.empty() || trimmed.front() == '#') continue;
    const bool goes_on = line.front() == ' ' || line.front() == '\t';
    if (goes_on && !lines.empty()) {
      lines.back().append(" ").append(trimmed);
    } else {
      lines.emplace_back(trimmed);
    }
  }
  return lines;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \t,"), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

class MainCf {
 public:
  explicit MainCf(std::string_view text) {
    for (const std::string& line : logical_lines(text)) {
      const std::size_t equals = line.find('=');
      if (equals == std::string::npos) continue;
      values_[std::string(trim_ascii_space(std::string_view(line).substr(0, equals)))] =
          std::string(trim_ascii_space(std::string_view(line).substr(equals + 1)));
    }
  }

  // Empty where it is not written; counts as taken.
  std::string take(const std::string& name) {
    const auto found = values_.find(name);
    if (found == values_.end()) return {};
    seen_.insert(name);
    return expand(found->second, 0);
  }
  bool is_on(const std::string& name) { return take(name) == "yes"; }
  std::size_t taken() const { return seen_.size(); }
  // Those that nobody took.
  std::map<std::string, std::string> rest() const {
    std::map<std::string, std::string> left = values_;
    std::erase_if(left, [this](const auto& one) { return seen_.contains(one.first); });
    return left;
  }

 private:
  std::string expand(const std::string& text, int depth) const {
    std::string result;
    for (std::size_t at = 0; at < text.size() && result.size() < kMaxValueOctets;) {
      if (text[at] != '$' || depth >= kMaxExpansion) {
        result.push_back(text[at++]);
        continue;
      }
      const bool is_braced = at + 1 < text.size() && (text[at + 1] == '{' || text[at + 1] == '(');
      const std::size_t begin = at + (is_braced ? 2 : 1);
      std::size_t end = begin;
      while (end < text.size() && (text[end] == '_' || (text[end] >= 'a' && text[end] <= 'z') ||
                                   (text[end] >= '0' && text[end] <= '9'))) {
        ++end;
      }
      const auto found = values_.find(text.substr(begin, end - begin));
      if (found != values_.end()) result += expand(found->second, depth + 1);
      at = std::min(end + (is_braced ? 1 : 0), text.size());
    }
    return result;
  }

  std::map<std::string, std::string> values_;
  std::set<std::string> seen_;
};

// "5d" in seconds; a bare number counts `unit`.
std::optional<std::int64_t> seconds_of(std::string_view text, std::int64_t unit) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0 || number > 100'000'000) return std::nullopt;
  const std::string_view suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  if (suffix.empty()) return number * unit;
  static const std::map<std::string_view, std::int64_t> kUnits = {
      {"s", 1}, {"m", 60}, {"h", 3'600}, {"d", 86'400}, {"w", 604'800}};
  const auto found = kUnits.find(suffix);
  return found == kUnits.end() ? std::nullopt : std::optional(number * found->second);
}

struct NextHop {
  std::string host;
  std::int64_t port = 25;
  bool is_looked_up = false;  // Postfix takes the MX of the name
};

std::int64_t port_of(std::string_view text) {
  static const std::map<std::string_view, std::int64_t> kServices = {
      {"smtp", 25}, {"submission", 587}, {"smtps", 465}, {"submissions", 465}};
  if (const auto service = kServices.find(text); service != kServices.end()) return service->second;
  std::int64_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port > 0 && port < 65'536 ? port : 25;
}

// "[host]:port", "host:port", "host".
NextHop parse_next_hop(std::string_view text) {
  NextHop hop;
  hop.is_looked_up = !text.starts_with('[');
  const std::size_t close = text.find(']');
  if (!hop.is_looked_up && close != std::string_view::npos) {
    hop.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    hop.host = text.substr(0, colon);
    text.remove_prefix(colon);
  }
  if (text.starts_with(':')) hop.port = port_of(text.substr(1));
  return hop;
}

// "hash:/etc/postfix/transport" → the source that postmap reads; empty: it has none.
std::string source_of(std::string_view map) {
  const std::size_t colon = map.find(':');
  if (colon == std::string_view::npos) return {};
  static const std::set<std::string_view> kFromText = {"hash", "btree", "lmdb", "cdb", "dbm", "sdbm", "texthash"};
  return kFromText.contains(map.substr(0, colon)) ? std::string(map.substr(colon + 1)) : std::string();
}

// What people ask for most, and what to do instead.
const std::map<std::string_view, std::string_view> kAdvice = {
    {"mynetworks", "no client relays by its address: make each a key, `postern key create --network`"},
    {"mynetworks_style", "no client relays by its address: make it a key with `postern key create`"},
    {"mydestination", "nothing is delivered on this machine: mail for these domains goes where a route or the DNS says"},
    {"local_recipient_maps", "nothing is delivered on this machine"},
    {"alias_maps", "local aliases are not looked at"},
    {"alias_database", "local aliases are not looked at"},
    {"virtual_alias_maps", "addresses are not rewritten"},
    {"virtual_alias_domains", "addresses are not rewritten"},
    {"canonical_maps", "addresses are not rewritten"},
    {"sender_canonical_maps", "addresses are not rewritten"},
    {"smtp_generic_maps", "addresses are not rewritten: give the application its sender, or the key a --domain"},
    {"masquerade_domains", "addresses are not rewritten"},
    {"always_bcc", "there are no blind copies: a webhook or the API shows every message"},
    {"sender_bcc_maps", "there are no blind copies: a webhook or the API shows every message"},
    {"recipient_bcc_maps", "there are no blind copies: a webhook or the API shows every message"},
    {"smtpd_milters", "no filter is asked; DKIM is signed by Postern itself: `postern domain add`"},
    {"non_smtpd_milters", "no filter is asked; DKIM is signed by Postern itself: `postern domain add`"},
    {"content_filter", "no filter is asked"},
    {"header_checks", "headers are not edited"},
    {"smtp_header_checks", "headers are not edited"},
    {"smtpd_sasl_type", "who sends shows an API key as its password: `postern key create`"},
    {"smtpd_sasl_path", "who sends shows an API key as its password: `postern key create`"},
    {"smtpd_sasl_auth_enable", "AUTH is always on: an API key is the password"},
    {"smtpd_recipient_restrictions", "who may send where is a matter of accounts and keys, not of lists of restrictions"},
    {"smtpd_relay_restrictions", "who may send where is a matter of accounts and keys, not of lists of restrictions"},
    {"smtpd_client_restrictions", "who may connect is a matter of keys and their networks"},
    {"smtpd_sender_restrictions", "which senders a key may use: `postern key create --domain`"},
    {"smtpd_sender_login_maps", "which senders a key may use: `postern key create --domain`"},
    {"sender_dependent_relayhost_maps", "routes go by the recipient's domain only"},
    {"sender_dependent_default_transport_maps", "routes go by the recipient's domain only"},
    {"smtp_fallback_relay", "there is no fallback: name the better next hop in the route"},
    {"smtp_bind_address", "the address that mail leaves from is the machine's choice here"},
    {"smtp_bind_address6", "the address that mail leaves from is the machine's choice here"},
    {"smtp_helo_name", "hostname is what next hops are told"},
    {"relay_domains", "mail for any domain is relayed for whoever shows a key"},
    {"virtual_mailbox_domains", "nothing is delivered on this machine"},
    {"mailbox_size_limit", "nothing is delivered on this machine"},
    {"home_mailbox", "nothing is delivered on this machine"},
    {"myorigin", "an address without a domain is refused: give the application its whole sender"},
    {"smtp_tls_policy_maps", "a policy for each domain: the `tls` of a [[route]] for it; DANE and MTA-STS are followed unasked"},
};

// About Postfix itself, or the same here without a word.
const std::set<std::string_view> kOfNoConcern = {
    "append_at_myorigin", "append_dot_mydomain", "biff", "command_directory", "compatibility_level", "daemon_directory",
    "data_directory", "debug_peer_level", "debugger_command", "disable_vrfy_command", "html_directory", "inet_protocols",
    "mail_owner", "mailq_path", "manpage_directory", "meta_directory", "mydomain", "newaliases_path", "queue_directory",
    "readme_directory", "recipient_delimiter", "sample_directory", "sendmail_path", "setgid_group", "shlib_directory",
    "smtp_address_preference", "smtp_dns_support_level", "smtp_sasl_mechanism_filter", "smtp_tls_CApath", "smtp_tls_loglevel",
    "smtp_tls_note_starttls_offer", "smtp_tls_session_cache_database", "smtpd_banner", "smtpd_helo_required",
    "smtpd_tls_auth_only", "smtpd_tls_loglevel", "smtpd_tls_received_header", "smtpd_tls_security_level",
    "smtpd_tls_session_cache_database", "smtpd_use_tls", "smtputf8_enable", "strict_rfc821_envelopes",
    "unknown_local_recipient_reject_code"};

class Importer {
 public:
  Importer(std::string_view main_cf, const FileReader& read_file) : postfix_(main_cf), read_file_(read_file) {}

  PostfixImport run() {
    take_installation();
    take_limits();
    take_queue();
    take_routes();
    const std::size_t taken = postfix_.taken();
    comment_on_rest();
    PostfixImport result;
    result.taken = taken;
    result.left = left_;
    result.toml = "# Made from Postfix's main.cf by `postern import postfix`. Read the comments, then `postern config check`.\n" +
                  top_ + routes_;
    if (!comments_.empty()) result.toml += "\n# Not taken over:\n" + comments_;
    return result;
  }

 private:
  void set(std::string& out, std::string_view key, std::string_view toml, std::string_view comment = {}) {
    if (!comment.empty()) out.append("# ").append(comment).append("\n");
    out.append(key).append(" = ").append(toml).append("\n");
  }
  void comment(std::string_view setting, std::string_view text) {
    comments_.append("#   ").append(setting).append(": ").append(text).append("\n");
    ++left_;
  }

  // Within what the key takes; otherwise a comment.
  void set_number(std::string_view key, std::string_view setting, std::int64_t number) {
    for (const auto& row : top_keys()) {
      if (row.info.name != key) continue;
      if (number >= row.info.minimum && number <= row.info.maximum) return set(top_, key, std::to_string(number));
      return comment(setting, std::string(key) + " takes " + describe_values(row.info));
    }
  }
  void take_number(std::string_view key, const std::string& setting) {
    const std::string text = postfix_.take(setting);
    if (text.empty()) return;
    const auto number = seconds_of(text, 1);
    if (!number) return comment(setting, "is no number");
    set_number(key, setting, *number);
  }
  void take_time(std::string_view key, const std::string& setting, std::int64_t unit, std::int64_t unit_of_key) {
    const std::string text = postfix_.take(setting);
    if (text.empty()) return;
    const auto seconds = seconds_of(text, unit);
    if (!seconds) return comment(setting, "is no time");
    set_number(key, setting, (*seconds + unit_of_key - 1) / unit_of_key);
  }

  void take_installation() {
    const std::string name = postfix_.take("myhostname");
    if (!name.empty()) set(top_, "hostname", quote_toml(name));
    std::string certificate = postfix_.take("smtpd_tls_cert_file");
    std::string key = postfix_.take("smtpd_tls_key_file");
    const std::string chains = postfix_.take("smtpd_tls_chain_files");
    if (const auto files = words_of(chains); !files.empty()) {
      certificate = files.front();
      key = files.size() > 1 ? "" : certificate;  // one file holds both; of several nobody knows which is which
      if (key.empty()) comment("smtpd_tls_chain_files", "several files: name the certificate's and the key's");
    }
    if (certificate.empty()) {
      top_ += "# Clients that speak TLS need a certificate:\n#tls_certificate_file = \"\"\n#tls_key_file = \"\"\n";
      return;
    }
    set(top_, "tls_certificate_file", quote_toml(certificate), "Readable for the user `postern`; Postfix reads them as root.");
    set(top_, "tls_key_file", quote_toml(key.empty() || key == "$smtpd_tls_cert_file" ? certificate : key));
  }

  void take_limits() {
    const std::string size = postfix_.take("message_size_limit");
    if (size == "0") {
      comment("message_size_limit", "there is always a limit: max_message_octets");
    } else if (const auto octets = seconds_of(size, 1)) {
      set_number("max_message_octets", "message_size_limit", *octets);
    }
    take_number("max_recipients", "smtpd_recipient_limit");
    take_number("max_connections_per_address", "smtpd_client_connection_count_limit");
    const std::string interfaces = postfix_.take("inet_interfaces");
    if (interfaces == "loopback-only" || interfaces == "localhost" || interfaces == "127.0.0.1") is_local_only_ = true;
  }

  void take_queue() {
    take_time("queue_lifetime_hours", "maximal_queue_lifetime", 86'400, 3'600);
    take_time("delay_notice_hours", "delay_warning_time", 3'600, 3'600);
    take_time("retry_initial_seconds", "minimal_backoff_time", 1, 1);
    take_time("retry_max_seconds", "maximal_backoff_time", 1, 1);
    const std::string of_reports = postfix_.take("bounce_queue_lifetime");
    if (!of_reports.empty()) comment("bounce_queue_lifetime", "queue_lifetime_hours holds for reports, too");
  }

  struct Tls {
    std::string policy;
    std::string_view why;
  };
  Tls tls_of(bool has_password) {
    const std::string level = postfix_.take("smtp_tls_security_level");
    const bool used_to_be_on = postfix_.is_on("smtp_use_tls");
    if (level == "none") return {has_password ? "required" : "none", has_password ? kPasswordNeedsTls : ""};
    if (level == "encrypt") return {"required", "Postfix looked at no certificate; here it has to be valid for the host."};
    if (level == "verify" || level == "secure" || level == "fingerprint" || level.starts_with("dane")) return {"required", ""};
    if (has_password) return {"required", kPasswordNeedsTls};
    return {"opportunistic", level == "may" || used_to_be_on ? "" : "Postfix's default is no TLS."};
  }
  static constexpr std::string_view kPasswordNeedsTls =
      "A password goes out over verified TLS only; the certificate has to be valid for the host.";

  // The user name that sasl_passwd has for a next hop; its password stays where it is.
  std::string user_of(std::string_view next_hop, const std::string& host, const std::string& file) {
    const auto text = read_file_(file);
    if (!text) return {};
    for (const std::string& line : logical_lines(*text)) {
      const std::size_t blank = line.find_first_of(" \t");
      if (blank == std::string::npos) continue;
      const std::string_view name = std::string_view(line).substr(0, blank);
      if (name != next_hop && parse_next_hop(name).host != host) continue;
      const std::string_view credential = trim_ascii_space(std::string_view(line).substr(blank));
      return std::string(credential.substr(0, credential.find(':')));
    }
    return {};
  }

  void add_smarthost(const std::string& name, const std::string& domains, std::string_view next_hop) {
    const NextHop hop = parse_next_hop(next_hop);
    routes_ += "\n[[route]]\n";
    set(routes_, "name", quote_toml(name));
    set(routes_, "domains", domains);
    set(routes_, "host", quote_toml(hop.host),
        hop.is_looked_up ? "Postfix takes the MX of this name; here it is a host: name one of them." : "");
    set(routes_, "port", std::to_string(hop.port));
    if (is_wrapped_ || hop.port == 465) set(routes_, "implicit_tls", "true");
    const std::string user = has_sasl_ ? user_of(next_hop, hop.host, sasl_file_) : "";
    const Tls& tls = user.empty() ? tls_ : tls_with_password_;
    set(routes_, "tls", quote_toml(tls.policy), tls.why);
    if (!ca_file_.empty() && tls.policy == "required") set(routes_, "ca_file", quote_toml(ca_file_));
    if (!user.empty()) {
      set(routes_, "user_name", quote_toml(user));
      set(routes_, "password_file", quote_toml("/etc/postern/" + name + "-password"),
          "The password alone in its first line, mode 0640 and group postern; it stands in " + sasl_file_ + ".");
    } else if (has_sasl_) {
      routes_ += "# smtp_sasl_password_maps has nothing readable for it. If it wants a password:\n"
                 "#user_name = \"\"\n#password_file = \"\"\n";
    }
    if (connections_) set(routes_, "max_connections", std::to_string(*connections_));
  }

  void take_routes() {
    has_sasl_ = postfix_.is_on("smtp_sasl_auth_enable");
    sasl_file_ = source_of(postfix_.take("smtp_sasl_password_maps"));
    postfix_.take("smtp_sasl_security_options");
    postfix_.take("smtp_sasl_tls_security_options");
    is_wrapped_ = postfix_.is_on("smtp_tls_wrappermode");
    ca_file_ = postfix_.take("smtp_tls_CAfile");
    connections_ = seconds_of(postfix_.take("default_destination_concurrency_limit"), 1);
    if (connections_ && (*connections_ < 1 || *connections_ > 1'000)) connections_.reset();
    tls_ = tls_of(false);
    tls_with_password_ = tls_of(true);
    take_transport();
    const std::string relayhost = postfix_.take("relayhost");
    if (!relayhost.empty()) return add_smarthost("smarthost", "[\"*\"]", relayhost);
    routes_ += "\n# No relayhost: to each domain's own mail hosts.\n"
               "[[route]]\nname = \"world\"\ndomains = [\"*\"]\ndeliver = \"mx\"\n";
  }

  // "example.net smtp:[relay.example.net]:587", a line each.
  void take_transport() {
    const std::string maps = postfix_.take("transport_maps");
    std::map<std::string, std::string> domains_of_hop;
    std::vector<std::string> hops;
    for (const std::string_view map : words_of(maps)) {
      const auto text = read_file_(source_of(map));
      if (!text) {
        comment("transport_maps", std::string(map) + " cannot be read: a [[route]] for each of its next hops");
        continue;
      }
      for (const std::string& line : logical_lines(*text)) take_transport_line(line, domains_of_hop, hops);
    }
    std::size_t number = 0;
    for (const std::string& hop : hops) {
      add_smarthost("transport-" + std::to_string(++number), "[" + domains_of_hop[hop] + "]", hop);
    }
  }

  void take_transport_line(const std::string& line, std::map<std::string, std::string>& domains_of_hop,
                           std::vector<std::string>& hops) {
    const std::size_t blank = line.find_first_of(" \t");
    if (blank == std::string::npos) return;
    const std::string_view domain = std::string_view(line).substr(0, blank);
    const std::string_view value = trim_ascii_space(std::string_view(line).substr(blank));
    const std::size_t colon = std::min(value.find(':'), value.size());
    const std::string_view transport = value.substr(0, colon);
    const std::string hop(value.substr(std::min(colon + 1, value.size())));
    const bool is_smtp = transport == "smtp" || transport == "relay" || transport.empty();
    const bool is_domain = domain.find('@') == std::string_view::npos && domain != "*";
    if (!is_smtp || !is_domain || hop.empty() || hops.size() >= kMaxRoutes) {
      return comment("transport_maps", std::string(domain) + " " + std::string(value) + " has no counterpart");
    }
    std::string& domains = domains_of_hop[hop];
    if (domains.empty()) hops.push_back(hop);
    domains += (domains.empty() ? "" : ", ") + quote_toml(domain);
  }

  void comment_on_rest() {
    if (is_local_only_) {
      top_ += "\n# Postfix listens on this machine only; so does this.\n[[listener]]\naddress = \"127.0.0.1\"\nport = 2525\n"
              "tls = \"none\"\nallow_auth_without_tls = true\n";
    }
    for (const auto& [name, value] : postfix_.rest()) {
      if (kOfNoConcern.contains(name) || value.empty()) continue;
      const auto advice = kAdvice.find(name);
      comment(name, advice == kAdvice.end() ? std::string_view("has no counterpart") : advice->second);
    }
  }

  MainCf postfix_;
  const FileReader& read_file_;
  std::string top_;
  std::string routes_;
  std::string comments_;
  std::size_t left_ = 0;
  bool is_local_only_ = false;
  bool has_sasl_ = false;
  bool is_wrapped_ = false;
  std::string sasl_file_;
  std::string ca_file_;
  std::optional<std::int64_t> connections_;
  Tls tls_;
  Tls tls_with_password_;
};

}  // namespace

PostfixImport import_postfix(std::string_view main_cf, const FileReader& read_file) { return Importer(main_cf, read_file).run(); }

}  // namespace postern::app
