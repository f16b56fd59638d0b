#include "app/sendmail_settings.h"

#include "app/toml_reader.h"
#include "core/bytes.h"
#include "core/mailbox.h"
#include "core/nearest_word.h"

#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

namespace postern::app {
namespace {

using Take = Result<void> (*)(SendmailSettings& settings, const std::string& value);

Error unfit(const std::string& what) {
  return Error(ErrorCode::InvalidArgument, what);
}

Result<void> take_port(SendmailSettings& settings, const std::string& value) {
  const auto port = parse_unsigned(value);
  if (!port || *port == 0 || *port > 65'535) return unfit("port must be 1 to 65535");
  settings.relay.port = static_cast<std::uint16_t>(*port);
  return {};
}

Result<void> take_tls(SendmailSettings& settings, const std::string& value) {
  using sendmail::RelayTls;
  if (value == "none") return settings.relay.tls = RelayTls::None, Result<void>();
  if (value == "starttls") return settings.relay.tls = RelayTls::StartTls, Result<void>();
  if (value == "implicit") return settings.relay.tls = RelayTls::Implicit, Result<void>();
  return unfit("tls must be none, starttls or implicit");
}

Result<void> take_domain(SendmailSettings& settings, const std::string& value) {
  if (!is_valid_domain(value, false)) return unfit("domain is none: " + escape_for_log(value));
  settings.domain = value;
  return {};
}

Result<void> take_local_mail_to(SendmailSettings& settings, const std::string& value) {
  if (!parse_mailbox(value)) return unfit("local_mail_to is no address: " + escape_for_log(value));
  settings.local_mail_to = value;
  return {};
}

Result<void> take_key_file(SendmailSettings& settings, const std::string& value) {
  std::ifstream file(value);
  std::string line;
  if (!std::getline(file, line)) return unfit("key_file " + escape_for_log(value) + " cannot be read");
  settings.relay.key = Secret(std::string(trim_ascii_space(line)));
  return {};
}

struct SendmailKey {
  std::string_view name;
  Take take;
};

constexpr std::array<SendmailKey, 10> kSendmailKeys = {{
    {"host", [](SendmailSettings& s, const std::string& v) { return s.relay.host = v, Result<void>(); }},
    {"port", take_port},
    {"tls", take_tls},
    {"ca_file", [](SendmailSettings& s, const std::string& v) { return s.relay.ca_file = v, Result<void>(); }},
    {"user_name", [](SendmailSettings& s, const std::string& v) { return s.relay.user_name = v, Result<void>(); }},
    {"key", [](SendmailSettings& s, const std::string& v) { return s.relay.key = Secret(v), Result<void>(); }},
    {"key_file", take_key_file},
    {"domain", take_domain},
    {"local_mail_to", take_local_mail_to},
    {"spool_dir", [](SendmailSettings& s, const std::string& v) { return s.spool_dir = v, Result<void>(); }},
}};

Result<void> take_entry(SendmailSettings& settings, const TomlEntry& entry) {
  const auto* text = std::get_if<std::string>(&entry.value);
  const auto* number = std::get_if<std::int64_t>(&entry.value);
  if (text == nullptr && number == nullptr) return unfit(entry.key + " is neither text nor a number");
  std::vector<std::string_view> names;
  for (const SendmailKey& key : kSendmailKeys) {
    if (key.name == entry.key) return key.take(settings, text != nullptr ? *text : std::to_string(*number));
    names.push_back(key.name);
  }
  const std::string_view nearest = nearest_word(entry.key, names);
  return unfit("there is no key " + escape_for_log(entry.key) +
               (nearest.empty() ? "" : "; did you mean " + std::string(nearest) + "?"));
}

}  // namespace

std::filesystem::path find_sendmail_file() {
  if (const char* named = std::getenv("POSTERN_SENDMAIL_CONFIG"); named != nullptr && *named != '\0') return named;
  std::error_code ignored;
  if (const char* home = std::getenv("HOME"); home != nullptr) {
    const std::filesystem::path own = std::filesystem::path(home) / ".config/postern/sendmail.toml";
    if (std::filesystem::exists(own, ignored)) return own;
  }
  return "/etc/postern-sendmail.toml";
}

Result<SendmailSettings> load_sendmail_settings(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) return Error(ErrorCode::NotFound, file.string() + " cannot be read; docs/operations.md says what stands in it");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto read = read_toml(text);
  const auto at_line = [&file](std::size_t line, const std::string& what) {
    return unfit(file.string() + ":" + std::to_string(line) + ": " + what);
  };
  if (const auto* problem = std::get_if<TomlProblem>(&read)) return at_line(problem->line, problem->what);
  const auto& tables = std::get<std::vector<TomlTable>>(read);
  if (tables.size() > 1) return at_line(tables[1].line, "there are no tables in this file");
  SendmailSettings settings;
  for (const TomlEntry& entry : tables.front().entries) {
    if (const auto taken = take_entry(settings, entry); !taken) return at_line(entry.line, taken.error().context());
  }
  if (settings.relay.key.empty()) return unfit(file.string() + ": key or key_file must name an API key");
  return settings;
}

}  // namespace postern::app
