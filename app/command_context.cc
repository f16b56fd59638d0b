#include "app/command_context.h"

#include "app/config.h"
#include "app/config_values.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <string>

namespace postern::app {
namespace {

constexpr std::size_t kPage = 256;
constexpr std::size_t kMessageIdCharacters = 26;
constexpr std::size_t kMinPrefixCharacters = 3;  // fewer match too much to be meant

Error not_found(std::string_view what, std::string_view text) {
  return Error(ErrorCode::NotFound, "there is no " + std::string(what) + " " + printable(text));
}

Error ambiguous(std::string_view what, std::string_view text) {
  return Error(ErrorCode::Conflict, "several " + std::string(what) + " begin with " + printable(text) + ": write more of the id");
}

// Whoever runs a command as another user than the service meets this first.
Error with_hint(const Error& error, const std::string& folder) {
  const bool is_forbidden = ::faccessat(AT_FDCWD, folder.c_str(), R_OK | W_OK | X_OK, AT_EACCESS) != 0 && errno == EACCES;
  if (!is_forbidden) return error;
  return Error(error.code(), error.context() + "; run this as the user that owns " + folder + ", or as root");
}

// A command in a container of its own is number 1 there, as the server is in its container. A child has another number.
constexpr int kMostChildren = 8;

// True in the child. This process ends with it, and as it does. False: there is none.
bool go_on_as_child() {
  const pid_t child = ::fork();
  if (child <= 0) return child == 0;
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  constexpr int kSignalled = 128;  // as shells say it
  std::_Exit(WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status));
}

// The greatest id that begins with `prefix`: 128 bits are 25 characters of 5 bits and one of 3.
std::optional<MessageId> last_with_prefix(std::string_view prefix) {
  std::string text(prefix);
  text.resize(kMessageIdCharacters - 1, 'v');
  return parse_message_id(text + "s");
}

}  // namespace

store::Actor acting_person() {
  const char* const caller = std::getenv("SUDO_USER");
  const bool became_root = ::geteuid() == 0 && caller != nullptr && *caller != '\0';
  const passwd* const user = became_root ? nullptr : ::getpwuid(::geteuid());
  std::string name = became_root ? caller : user != nullptr ? user->pw_name : "user " + std::to_string(::geteuid());
  return {.kind = store::ActorKind::CommandLine, .name = std::move(name)};
}

Result<void> CommandContext::load_settings() {
  ConfigLoad load = load_config(options_.config_file);
  for (const auto& problem : load.problems) {
    if (!problem.is_warning) err_ << format_problem(problem) << "\n";
  }
  if (!load.is_usable()) return Error(ErrorCode::Malformed, "the configuration is not usable");
  settings_ = std::move(load.settings);
  return {};
}

Result<void> CommandContext::open() {
  if (const auto loaded = load_settings(); !loaded) return loaded.error();
  auto opened = store::Store::open(make_store_options(settings_, false));
  for (int child = 0; child < kMostChildren && !opened && opened.error().code() == ErrorCode::AlreadyExists; ++child) {
    if (!go_on_as_child()) break;
    opened = store::Store::open(make_store_options(settings_, false));
  }
  if (!opened) return with_hint(opened.error(), settings_.data_dir);
  store_ = std::move(*opened);
  auto node = ClusterNode::open(settings_, *store_);
  if (!node) return node.error();
  cluster_ = std::move(*node);
  return {};
}

void CommandContext::print(const json::value& value, const std::string& text) {
  out_ << (as_json() ? to_json(value) + "\n" : text);
}

void CommandContext::confirm(const json::object& value, const std::string& sentence) { print(value, sentence + "\n"); }

void CommandContext::tell_more(std::uint64_t count, bool is_least) {
  std::ostream& to = as_json() ? err_ : out_;
  to << (is_least ? "at least " : "") << count << " more: --limit NUMBER or --all shows them\n";
}

Result<void> CommandContext::ask(const std::string& what) {
  if (::isatty(STDIN_FILENO) != 1) return Error(ErrorCode::Conflict, what + ": say --yes if that is meant");
  err_ << what << ". Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "yes") return {};
  return Error(ErrorCode::Conflict, "nothing was changed");
}

Result<store::AccountRecord> CommandContext::find_account(std::string_view text) {
  const auto named = directory().find_account_named(text);
  if (!named) return named.error();
  if (*named) return **named;
  const auto accounts = directory().list_accounts();
  if (!accounts) return accounts.error();
  std::vector<store::AccountRecord> found;
  for (const auto& account : *accounts) {
    if (text.starts_with(AccountTag::kPrefix) && format_id(account.id).starts_with(text)) found.push_back(account);
  }
  if (found.size() > 1) return ambiguous("accounts", text);
  if (found.empty()) return not_found("account", text);
  return found.front();
}

Result<store::KeyRecord> CommandContext::find_key(std::string_view text) {
  if (text.size() < kMinPrefixCharacters) return not_found("key", text);
  const auto found = directory().find_keys_starting(text, 2);
  if (!found) return found.error();
  if (found->size() > 1) return ambiguous("keys", text);
  if (found->empty()) return not_found("key", text);
  return found->front();
}

Result<store::StoredMessage> CommandContext::find_message(std::string_view text) {
  if (const auto id = parse_message_id(text)) {
    auto exact = spool().find(*id);
    if (!exact) return exact.error();
    if (!*exact) return not_found("message", text);
    return std::move(**exact);
  }
  const auto last =
      text.size() >= kMinPrefixCharacters && text.size() < kMessageIdCharacters ? last_with_prefix(text) : std::nullopt;
  if (!last) return not_found("message", text);
  auto found = spool().list(last, 2);
  if (!found) return found.error();
  std::erase_if(*found, [&](const auto& stored) { return !format_message_id(stored.message.id).starts_with(text); });
  if (found->size() > 1) return ambiguous("messages", text);
  if (found->empty()) return not_found("message", text);
  return std::move(found->front());
}

std::string CommandContext::account_name(const AccountId& id) {
  const auto account = directory().find_account(id);
  return account && *account ? (*account)->name : format_id(id);
}

Result<void> for_each_message(store::Spool& spool, const std::optional<AccountId>& account, std::optional<MessageId> before,
                              const std::function<bool(const store::StoredMessage&)>& visit) {
  for (;;) {
    const auto page = account ? spool.list_of(*account, before, kPage) : spool.list(before, kPage);
    if (!page) return page.error();
    for (const auto& stored : *page) {
      if (!visit(stored)) return {};
    }
    if (page->size() < kPage) return {};
    before = page->back().message.id;
  }
}

}  // namespace postern::app
