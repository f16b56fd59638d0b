// postern test SCRIPT -- COMMAND…: a relay of its own for one command. The sockets are made here and handed to the server as a
// service manager would (net/inherited_listeners.h), so that the ports are free, and nobody waits until the server is ready:
// what connects sooner waits in their queues.
#include "app/commands.h"
#include "auth/account_admin.h"
#include "auth/key_admin.h"
#include "app/config_values.h"
#include "app/scratch.h"
#include "core/descriptor.h"
#include "core/files.h"
#include "lab/new_run.h"
#include "lab/test_plan.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace postern::app {
namespace {

constexpr std::string_view kRunName = "test";
constexpr auto kJudgeEvery = std::chrono::milliseconds(50);
constexpr int kFirstInherited = 3;  // sd_listen_fds(3)

Error system_failure(const std::string& what) {
  return Error(ErrorCode::IoError, what + ": " + std::strerror(errno));
}

struct FreePort {
  Descriptor socket;
  std::uint16_t port = 0;
};

// Listens on 127.0.0.1, at whatever port the system gives.
Result<FreePort> listen_somewhere() {
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool is_bound = socket.is_open() && ::bind(socket.get(), generic, size) == 0 && ::listen(socket.get(), SOMAXCONN) == 0 &&
                        ::getsockname(socket.get(), generic, &size) == 0;
  if (!is_bound) return system_failure("listen on 127.0.0.1");
  return FreePort{std::move(socket), ntohs(address.sin_port)};
}

std::string configuration(const Scratch& scratch, std::uint16_t smtp, std::uint16_t http) {
  std::ostringstream text;
  text << "environment = \"development\"\nhostname = \"relay.postern.test\"\nresolver_trust_anchor_file = \"\"\n"
       << "data_dir = " << (scratch / "data") << "\nlog_file = " << (scratch / "log") << "\n"
       << "[[listener]]\naddress = \"127.0.0.1\"\nport = " << smtp << "\ntls = \"none\"\nallow_auth_without_tls = true\n"
       << "run = \"test/" << kRunName << "\"\n"
       << "[[http_listener]]\naddress = \"127.0.0.1\"\nport = " << http << "\ntls = \"none\"\n";
  return text.str();
}

// What commands find in their environment, under the names that frameworks read.
using Variables = std::vector<std::pair<std::string, std::string>>;
Variables variables_for(std::uint16_t smtp, std::uint16_t http, std::string_view key) {
  const std::string port = std::to_string(smtp);
  const std::string user(kRunName);
  const std::string secret(key);
  const std::string url = "smtp://" + user + ':' + secret + "@127.0.0.1:" + port;
  return {{"POSTERN_URL", "http://127.0.0.1:" + std::to_string(http)}, {"POSTERN_KEY", secret}, {"POSTERN_RUN", user},
          {"SMTP_HOST", "127.0.0.1"}, {"SMTP_ADDRESS", "127.0.0.1"}, {"SMTP_PORT", port}, {"SMTP_USER", user},
          {"SMTP_USERNAME", user}, {"SMTP_USER_NAME", user}, {"SMTP_PASS", secret}, {"SMTP_PASSWORD", secret},
          {"SMTP_SECURE", "false"}, {"SMTP_TLS", "false"}, {"SMTP_URL", url}, {"MAILER_DSN", url},
          // Django (with django-environ and the like), Laravel, Spring.
          {"EMAIL_HOST", "127.0.0.1"}, {"EMAIL_PORT", port}, {"EMAIL_HOST_USER", user}, {"EMAIL_HOST_PASSWORD", secret},
          {"EMAIL_USE_TLS", "False"}, {"EMAIL_URL", url}, {"MAIL_MAILER", "smtp"}, {"MAIL_HOST", "127.0.0.1"}, {"MAIL_PORT", port},
          {"MAIL_USERNAME", user}, {"MAIL_PASSWORD", secret}, {"MAIL_ENCRYPTION", "null"}, {"SPRING_MAIL_HOST", "127.0.0.1"},
          {"SPRING_MAIL_PORT", port}, {"SPRING_MAIL_USERNAME", user}, {"SPRING_MAIL_PASSWORD", secret}};
}

[[noreturn]] void execute(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments.front(), arguments.data());
  ::_exit(errno == ENOENT ? 127 : 126);
}

// What the environment says of another relay's configuration is not for this one.
void forget_configuration() {
  std::vector<std::string> names;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    if (text.starts_with("POSTERN_")) names.emplace_back(text.substr(0, text.find('=')));
  }
  for (const std::string& name : names) ::unsetenv(name.c_str());
}

// `postern serve` with both sockets as its descriptors 3 and 4. No thread may run here when it forks: setenv() follows.
Result<pid_t> start_relay(const std::filesystem::path& config, const FreePort& smtp, const FreePort& http) {
  // Out of the way of where they go.
  const Descriptor first(::fcntl(smtp.socket.get(), F_DUPFD_CLOEXEC, 10));
  const Descriptor second(::fcntl(http.socket.get(), F_DUPFD_CLOEXEC, 10));
  const Descriptor nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const pid_t relay = first.is_open() && second.is_open() && nothing.is_open() ? ::fork() : -1;
  if (relay < 0) return system_failure("start the relay");
  if (relay > 0) return relay;
  ::setpgid(0, 0);  // what a terminal sends is the command's
  ::dup2(nothing.get(), STDIN_FILENO);
  ::dup2(nothing.get(), STDOUT_FILENO);
  ::dup2(first.get(), kFirstInherited);
  ::dup2(second.get(), kFirstInherited + 1);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", "2", 1);
  ::unsetenv("NOTIFY_SOCKET");
  execute({"/proc/self/exe", "--config", config.string(), "serve"});
}

// Its exit status, or 128 and the signal that ended it, as shells have it.
int wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<int> run_command(const std::vector<std::string>& words, const Variables& variables) {
  const pid_t command = ::fork();
  if (command < 0) return system_failure("start the command");
  if (command == 0) {
    std::signal(SIGPIPE, SIG_DFL);
    for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
    execute(words);
  }
  const auto before = std::signal(SIGINT, SIG_IGN);  // it is the command's; what follows cleans up
  const int status = wait_for(command);
  std::signal(SIGINT, before);
  return status;
}

Result<std::string> read_text_file(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  if (!stream) return Error(ErrorCode::NotFound, "cannot read " + printable(file));
  return text.str();
}

// An account, a test key and the run in a fresh store; the key's text.
Result<Secret> set_up(CommandContext& relay, const lab::TestPlan& plan) {
  auth::AccountAdmin accounts(relay.directory(), relay.clock(), relay.random());
  const auto account = accounts.create({.name = "test", .plan = {}, .from_domains = {}});
  if (!account) return account.error();
  const auth::KeyScheme scheme = make_key_scheme(relay.settings());
  auth::KeyAdmin keys(relay.directory(), scheme, relay.clock(), relay.random());
  auth::NewKey wanted;
  wanted.name = "test";
  wanted.environment = Environment::Test;
  wanted.permission = store::Permission::FullAccess;
  auto key = keys.create(account->id, wanted);
  if (!key) return key.error();
  json::object body = plan.run;
  body["run"] = kRunName;
  const auto run = lab::read_new_run(body, account->id, relay.clock().now(), relay.random());
  if (!run) return run.error();
  if (const auto made = relay.spool().make_run(*run); !made) return made.error();
  return std::move(key->text);
}

Result<std::vector<lab::Verdict>> judge(CommandContext& relay, const lab::TestPlan& plan) {
  const auto accounts = relay.directory().list_accounts();
  if (!accounts) return accounts.error();
  const auto until = std::chrono::steady_clock::now() + plan.patience;
  for (;;) {
    auto verdicts = lab::judge_run(relay.spool(), accounts->front().id, kRunName, plan.expectations);
    if (!verdicts || lab::have_passed(*verdicts) || std::chrono::steady_clock::now() >= until) return verdicts;
    std::this_thread::sleep_for(kJudgeEvery);
  }
}

lab::Verdict verdict_of(int status, const std::vector<std::string>& command) {
  lab::Verdict verdict{"the command ends well: " + printable(command.front()), {}, {}};
  if (status != 0) verdict.problems.push_back("it ended with " + std::to_string(status));
  return verdict;
}

// Ends the relay with this object.
class RelayProcess {
 public:
  explicit RelayProcess(pid_t process) : process_(process) {}
  RelayProcess(const RelayProcess&) = delete;
  RelayProcess& operator=(const RelayProcess&) = delete;
  ~RelayProcess() {
    ::kill(process_, SIGTERM);
    (void)wait_for(process_);
  }

 private:
  pid_t process_;
};

}  // namespace

Result<void> run_test(CommandContext& context, const TestOptions& options) {
  forget_configuration();
  const auto text = read_text_file(options.script);
  if (!text) return text.error();
  const auto plan = lab::read_test_plan(*text);
  if (!plan) return Error(ErrorCode::InvalidArgument, printable(options.script) + ": " + plan.error().context());
  auto scratch = Scratch::make();
  if (!scratch) return scratch.error();
  const auto smtp = listen_somewhere();
  const auto http = listen_somewhere();
  if (!smtp || !http) return smtp ? http.error() : smtp.error();
  const auto config = *scratch / "postern.toml";
  std::ofstream(config) << configuration(*scratch, smtp->port, http->port);
  std::filesystem::permissions(config, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);

  // The store's threads are gone before anything forks.
  auto relay = std::make_unique<CommandContext>(CommandContext::Options{.config_file = config}, context.out(), context.err());
  if (const auto opened = relay->open(); !opened) return opened.error();
  const auto key = set_up(*relay, *plan);
  if (!key) return key.error();
  relay.reset();
  const auto process = start_relay(config, *smtp, *http);
  if (!process) return process.error();
  const RelayProcess ending(*process);
  const auto status = run_command(options.command, variables_for(smtp->port, http->port, key->reveal()));
  if (!status) return status.error();

  relay = std::make_unique<CommandContext>(CommandContext::Options{.config_file = config}, context.out(), context.err());
  if (const auto opened = relay->open(); !opened) return opened.error();
  auto verdicts = judge(*relay, *plan);
  if (!verdicts) return verdicts.error();
  verdicts->insert(verdicts->begin(), verdict_of(*status, options.command));
  context.print(lab::verdicts_json(*verdicts), lab::format_tap(*verdicts));
  if (!options.junit.empty()) {
    std::ofstream report(options.junit);
    report << lab::format_junit(plan->name, *verdicts);
    if (!report.flush()) return Error(ErrorCode::IoError, "cannot write " + printable(options.junit));
  }
  if (lab::have_passed(*verdicts)) return {};
  return Error(ErrorCode::Conflict, "not all is as expected");
}

}  // namespace postern::app
