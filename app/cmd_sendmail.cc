#include "app/cmd_sendmail.h"

#include "app/commands.h"
#include "app/config_values.h"
#include "app/output.h"
#include "app/sendmail_settings.h"
#include "core/bytes.h"
#include "core/clock.h"
#include "core/message_id.h"
#include "core/random.h"
#include "sendmail/delivery.h"
#include "sendmail/dialogue.h"
#include "sendmail/outbox.h"
#include "sendmail/post.h"
#include "sendmail/words.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <string_view>

namespace postern::app {
namespace {

// sysexits.h.
constexpr int kUsage = 64;
constexpr int kDataError = 65;
constexpr int kUnavailable = 69;
constexpr int kOsError = 71;
constexpr int kTemporary = 75;
constexpr int kConfiguration = 78;

constexpr std::size_t kFlushedOnTheWay = 20;  // letters: who sends one waits for so many others
constexpr std::size_t kFlushedAtOnce = 1'000;

std::string mail_domain(const SendmailSettings& settings) {
  if (!settings.domain.empty()) return settings.domain;
  std::ifstream file("/etc/mailname");
  std::string name;
  if (std::getline(file, name) && is_valid_domain(trim_ascii_space(name), false)) return std::string(trim_ascii_space(name));
  return effective_hostname(Settings{});
}

sendmail::Writer who_writes(const SendmailSettings& settings) {
  sendmail::Writer writer{.login = "nobody", .domain = mail_domain(settings), .local_mail_to = settings.local_mail_to};
  const passwd* entry = ::getpwuid(::getuid());
  if (entry == nullptr) return writer;
  writer.login = entry->pw_name;
  const std::string_view gecos = entry->pw_gecos == nullptr ? "" : entry->pw_gecos;
  writer.full_name = gecos.substr(0, gecos.find(','));
  return writer;
}

class Sendmail {
 public:
  Sendmail(SendmailSettings settings, std::ostream& out, std::ostream& err)
      : settings_(std::move(settings)), writer_(who_writes(settings_)), out_(out), err_(err) {
    settings_.relay.hostname = writer_.domain;
  }

  int send_letter(const sendmail::Call& call) {
    auto text = sendmail::read_input(std::cin, call.ignores_dots);
    if (!text) return complain(text.error(), kDataError);
    auto letter = sendmail::make_letter(*text, call, writer_, new_id(), clock_.now());
    if (!letter) return complain(letter.error(), kDataError);
    const auto handed = hand_over(std::move(*letter));
    if (!handed) return complain(handed.error(), kTemporary);
    if (handed->taken > 0) send_what_waits(kFlushedOnTheWay);
    return handed->refused.empty() ? 0 : kUnavailable;
  }

  int converse() {
    const sendmail::Line line{
        .read = [](std::span<char> room) -> std::size_t {
          const ssize_t count = ::read(STDIN_FILENO, room.data(), room.size());
          return count < 0 ? 0 : static_cast<std::size_t>(count);
        },
        .write = [this](std::string_view text) { return static_cast<bool>(out_.write(text.data(), std::ssize(text)).flush()); }};
    sendmail::run_dialogue(writer_.domain, line, [this](sendmail::Letter letter) { return answer(std::move(letter)); });
    send_what_waits(kFlushedOnTheWay);
    return 0;
  }

  int list() {
    if (!has_outbox()) return say_empty();
    const auto outbox = sendmail::Outbox::open(settings_.spool_dir);
    if (!outbox) return complain(outbox.error(), kOsError);
    std::vector<std::vector<std::string>> rows;
    for (const auto& entry : outbox->list()) {
      const std::string state = entry.is_refused ? "refused" : "waits";
      rows.push_back({entry.id, format_time(entry.written_at), std::to_string(entry.octets), state});
    }
    if (rows.empty()) return say_empty();
    out_ << format_table({"ID", "WRITTEN (UTC)", "OCTETS", "STATE"}, rows);
    return 0;
  }

  // As root: of all users, as these.
  int flush_all() {
    if (::geteuid() != 0) return flush_own();
    int status = 0;
    std::error_code ignored;
    for (const auto& folder : std::filesystem::directory_iterator(settings_.spool_dir, ignored)) {
      const auto user = parse_unsigned(folder.path().filename().string());
      if (user) status = std::max(status, *user == 0 ? flush_own() : flush_as(static_cast<uid_t>(*user)));
    }
    return status;
  }

 private:
  int complain(const Error& error, int status) {
    err_ << "sendmail: " << printable(error.context()) << "\n";
    return status;
  }
  int say_empty() {
    out_ << "nothing waits\n";
    return 0;
  }

  std::string new_id() { return format_message_id(make_message_id(clock_.now(), random_)); }

  sendmail::Deliver delivery() const {
    return [this](const sendmail::Letter& letter) { return sendmail::deliver(settings_.relay, letter); };
  }

  Result<sendmail::Handed> hand_over(sendmail::Letter letter) {
    const auto open_outbox = [this] { return sendmail::Outbox::open(settings_.spool_dir); };
    auto handed = sendmail::hand_over(std::move(letter), delivery(), open_outbox);
    if (handed) {
      for (const std::string& one : handed->refused) err_ << "sendmail: " << one << "\n";
      if (handed->kept > 0) err_ << "sendmail: it waits on this machine: " << handed->why_kept << "\n";
    }
    return handed;
  }

  Status answer(sendmail::Letter letter) {
    letter.id = new_id();
    const auto handed = hand_over(std::move(letter));
    if (!handed) return {451, EnhancedCode{4, 3, 0}, printable(handed.error().context())};
    if (handed->taken + handed->kept == 0) return {554, EnhancedCode{5, 0, 0}, handed->refused.front()};
    return {250, EnhancedCode{2, 0, 0}, handed->kept == 0 ? "Ok" : "kept until the relay takes it"};
  }

  bool has_outbox() const {
    std::error_code ignored;
    return std::filesystem::exists(settings_.spool_dir / std::to_string(::geteuid()), ignored);
  }

  sendmail::Flushed send_what_waits(std::size_t limit) {
    if (!has_outbox()) return {};
    auto outbox = sendmail::Outbox::open(settings_.spool_dir);
    return outbox ? sendmail::flush(*outbox, delivery(), clock_.now(), limit) : sendmail::Flushed{};
  }

  int flush_own() {
    const sendmail::Flushed flushed = send_what_waits(kFlushedAtOnce);
    for (const std::string& one : flushed.reports) err_ << "sendmail: " << one << "\n";
    err_.flush();
    return flushed.waiting > 0 ? kTemporary : 0;
  }

  int flush_as(uid_t user) {
    const passwd* entry = ::getpwuid(user);
    struct stat facts {};
    const std::filesystem::path folder = settings_.spool_dir / std::to_string(user);
    if (entry == nullptr || ::lstat(folder.c_str(), &facts) != 0 || facts.st_uid != user) return 0;
    out_.flush();
    err_.flush();
    const pid_t child = ::fork();
    if (child == 0) {
      const bool is_user = ::setgroups(0, nullptr) == 0 && ::setgid(entry->pw_gid) == 0 && ::setuid(user) == 0;
      ::_exit(is_user ? flush_own() : kOsError);
    }
    int status = 0;
    if (child < 0 || ::waitpid(child, &status, 0) != child) return kOsError;
    return WIFEXITED(status) ? WEXITSTATUS(status) : kOsError;
  }

  SendmailSettings settings_;
  sendmail::Writer writer_;
  std::ostream& out_;
  std::ostream& err_;
  SystemClock clock_;
  SystemRandom random_;
};

}  // namespace

std::optional<std::vector<std::string>> sendmail_words(int argc, const char* const* argv) {
  if (argc < 1) return std::nullopt;
  const std::string name = std::filesystem::path(argv[0]).filename();
  std::vector<std::string> words(argv + 1, argv + argc);
  if (name == "mailq") {
    words.insert(words.begin(), "-bp");
    return words;
  }
  if (name == "sendmail") return words;
  if (words.empty() || words.front() != "sendmail") return std::nullopt;
  words.erase(words.begin());
  const bool wants_help = words.size() == 1 && (words.front() == "--help" || words.front() == "-h");
  return wants_help ? std::nullopt : std::optional(std::move(words));
}

Result<void> run_sendmail_words(CommandContext&, const std::vector<std::string>&) {
  return Error(ErrorCode::InvalidArgument, "options of postern do not go with it: postern sendmail, then sendmail's words");
}

int run_sendmail(const std::vector<std::string>& words, std::ostream& out, std::ostream& err) {
  const auto call = sendmail::read_words(words);
  if (!call) {
    err << "sendmail: " << printable(call.error().context()) << "\n";
    return kUsage;
  }
  auto settings = load_sendmail_settings(find_sendmail_file());
  if (!settings) {
    err << "sendmail: " << printable(settings.error().context()) << "\n";
    return kConfiguration;
  }
  Sendmail mailer(std::move(*settings), out, err);
  switch (call->mode) {
    case sendmail::Mode::Letter:
      return mailer.send_letter(*call);
    case sendmail::Mode::Dialogue:
      return mailer.converse();
    case sendmail::Mode::List:
      return mailer.list();
    case sendmail::Mode::Flush:
      return mailer.flush_all();
  }
  return kUsage;
}

}  // namespace postern::app
