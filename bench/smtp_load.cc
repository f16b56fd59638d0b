// Load over SMTP: any number of connections on one thread, MAIL, RCPT and DATA pipelined as clients do (or not), AUTH PLAIN,
// STARTTLS or implicit TLS, a fixed rate or as fast as it goes, and authenticated connections that only stand there. Prints one
// line of JSON. `--messages` counts messages; with `--each 0` it counts connections that authenticate and quit.
// `--auth-file` holds credentials, one a line, that connections take in turn.
// `--idle N`: prints the line once N connections stand, and holds them until standard input ends.
#include "event_loop.h"

#include <fstream>

namespace {

using bench::Clock;

enum class Tls { None, StartTls, Implicit };
enum class Stage { Banner, Greeting, Upgrade, SecondGreeting, Auth, Ready, Envelope, Data, Content, Quit };

struct Plan {
  std::uint16_t port = 0;
  long each = 0;
  Tls tls = Tls::None;
  bool pipelines = true;
  bool resumes = false;
  bool is_idle = false;
  std::vector<std::string> credentials;  // AUTH PLAIN initial responses; none: no AUTH
  std::vector<std::string> envelope;  // the commands of one transaction, DATA last
  std::string content;                // with a blank for the number
  std::size_t number_at = 0;
};

struct State {
  State(const Plan& made, long messages, long per_second)
      : plan(made), schedule(messages, per_second), tls(bench::make_client_context(made.resumes ? &sessions : nullptr)) {}
  const Plan& plan;
  bench::Schedule schedule;
  bench::Report report;
  bench::SessionMemory sessions;
  bench::SslContext tls;
  std::size_t next_credential = 0;
  long ready = 0;
  long resumed = 0;
  std::vector<class SmtpClient*> waiting;  // for their turn, with a rate
};

class SmtpClient final : public bench::Client {
 public:
  explicit SmtpClient(State& state) : state_(state), plan_(state.plan), channel_(state.plan.port), opened_at_(Clock::now()) {
    if (plan_.each == 0 && !plan_.is_idle) state.schedule.take(opened_at_, began_);
    if (plan_.tls == Tls::Implicit) start_tls();
  }

  bench::Channel& channel() override { return channel_; }

  bool advance() override {
    if (!channel_.advance()) {
      if (stage_ != Stage::Quit) state_.report.refused("the connection ended");
      return false;
    }
    while (const auto line = channel_.next_line()) {
      const bool is_last = line->size() < 4 || (*line)[3] != '-';
      if (is_last && !take_reply(*line)) return false;
    }
    return true;
  }

  // The client's turn, where messages wait for their time.
  void begin_message() {
    const long number = state_.schedule.take(Clock::now(), began_);
    ++sent_;
    content_ = plan_.content;
    const std::string digits = std::to_string(number);
    content_.replace(plan_.number_at, digits.size(), digits);
    replies_ = 0;
    stage_ = Stage::Envelope;
    if (!plan_.pipelines) return channel_.send(plan_.envelope[0]);
    std::string group;
    for (const std::string& command : plan_.envelope) group += command;
    channel_.send(group);
  }

 private:
  bool take_reply(std::string_view line) {
    const char wanted = stage_ == Stage::Envelope && replies_ + 1 == plan_.envelope.size() ? '3' : '2';
    if (line.empty() || line[0] != wanted) {
      state_.report.refused(line);
      return false;
    }
    switch (stage_) {
      case Stage::Banner: return say("EHLO load.example.org\r\n", Stage::Greeting);
      case Stage::Greeting:
        return plan_.tls == Tls::StartTls ? say("STARTTLS\r\n", Stage::Upgrade) : authenticate();
      case Stage::Upgrade:
        start_tls();
        return say("EHLO load.example.org\r\n", Stage::SecondGreeting);
      case Stage::SecondGreeting: return authenticate();
      case Stage::Auth: return ready();
      case Stage::Envelope: return take_envelope_reply();
      case Stage::Content:
        state_.report.accepted(began_);
        return go_on();
      default: return false;
    }
  }

  bool take_envelope_reply() {
    if (++replies_ < plan_.envelope.size()) {
      if (!plan_.pipelines) channel_.send(plan_.envelope[replies_]);
      return true;
    }
    channel_.send(content_);
    stage_ = Stage::Content;
    return true;
  }

  bool say(std::string_view command, Stage next) {
    channel_.send(command);
    stage_ = next;
    return true;
  }

  bool authenticate() {
    if (plan_.credentials.empty()) return ready();
    const std::string& credential = plan_.credentials[state_.next_credential++ % plan_.credentials.size()];
    return say("AUTH PLAIN " + credential + "\r\n", Stage::Auth);
  }

  bool ready() {
    stage_ = Stage::Ready;
    ++state_.ready;
    state_.resumed += channel_.was_resumed() ? 1 : 0;
    if (plan_.is_idle) return true;
    if (plan_.each > 0) return go_on();
    state_.report.accepted(opened_at_);
    return say("QUIT\r\n", Stage::Quit);
  }

  bool go_on() {
    stage_ = Stage::Ready;
    if (sent_ == plan_.each || state_.schedule.is_over()) return say("QUIT\r\n", Stage::Quit);
    if (state_.schedule.is_due(Clock::now())) {
      begin_message();
    } else {
      state_.waiting.push_back(this);
    }
    return true;
  }

  void start_tls() { channel_.start_tls(state_.tls.get(), plan_.resumes ? state_.sessions.take() : nullptr); }

  State& state_;
  const Plan& plan_;
  bench::Channel channel_;
  Clock::time_point opened_at_;
  Clock::time_point began_;
  Stage stage_ = Stage::Banner;
  std::size_t replies_ = 0;
  long sent_ = 0;
  std::string content_;
};

std::vector<std::string> read_credentials(const bench::Options& options) {
  std::vector<std::string> credentials;
  if (!options.text("auth").empty()) credentials.push_back(options.text("auth"));
  std::ifstream file(options.text("auth-file"));
  for (std::string line; std::getline(file, line);) credentials.push_back(line);
  return credentials;
}

Plan make_plan(const bench::Options& options) {
  Plan plan;
  plan.port = static_cast<std::uint16_t>(options.number("port"));
  plan.each = options.number("each");
  plan.tls = options.text("tls") == "starttls" ? Tls::StartTls : options.text("tls") == "implicit" ? Tls::Implicit : Tls::None;
  plan.pipelines = options.is_on("pipelining");
  plan.resumes = options.is_on("resume");
  plan.is_idle = options.number("idle") > 0;
  plan.credentials = read_credentials(options);
  plan.envelope.push_back("MAIL FROM:<a@example.org>\r\n");
  for (long i = 0; i < options.number("recipients"); ++i) {
    plan.envelope.push_back("RCPT TO:<b" + std::to_string(i) + "@example.net>\r\n");
  }
  plan.envelope.push_back("DATA\r\n");
  plan.content = "From: a@example.org\r\nTo: b@example.net\r\nSubject: load\r\nX-Load: ";
  plan.number_at = plan.content.size();
  plan.content += "            \r\n\r\n";
  while (plan.content.size() + 80 <= static_cast<std::size_t>(options.number("octets"))) {
    plan.content += std::string(76, 'x') + "\r\n";
  }
  plan.content += ".\r\n";
  return plan;
}

// Hands waiting clients their messages as these come due; how long to wait for the next, in milliseconds.
int serve_waiting(State& state) {
  while (!state.waiting.empty()) {
    if (!state.schedule.is_over() && !state.schedule.is_due(Clock::now())) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(state.schedule.time_of_next() - Clock::now());
      return static_cast<int>(left.count());
    }
    SmtpClient* client = state.waiting.back();
    state.waiting.pop_back();
    if (state.schedule.is_over()) {
      client->channel().send("QUIT\r\n");
    } else {
      client->begin_message();
    }
  }
  return -1;
}

void run_idle(State& state, long wanted) {
  constexpr long kAtOnce = 64;  // connections on their way: less than any listen backlog
  bench::EventLoop loop;
  long opened = 0;
  while (state.ready < wanted && state.report.refusals() == 0) {
    for (; opened < wanted && opened - state.ready < kAtOnce; ++opened) loop.add(std::make_unique<SmtpClient>(state));
    loop.turn(-1);
  }
  state.report.print(",\"idle\":" + std::to_string(state.ready));
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}

void run_load(State& state, long connections) {
  constexpr long kMostRefusals = 1000;  // then something is wrong that no figure can show
  bench::EventLoop loop;
  while (!state.schedule.is_over() || loop.size() > 0) {
    while (static_cast<long>(loop.size()) < connections && !state.schedule.is_over()) loop.add(std::make_unique<SmtpClient>(state));
    loop.turn(serve_waiting(state));
    if (state.report.refusals() > kMostRefusals) break;
  }
  state.report.print(",\"resumed\":" + std::to_string(state.resumed));
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options(argc, argv, {{"port", "25"}, {"connections", "16"}, {"messages", "1000"}, {"each", "100"},
                                            {"octets", "4096"}, {"recipients", "1"}, {"rate", "0"}, {"auth", ""}, {"auth-file", ""},
                                            {"tls", "none"}, {"pipelining", "on"}, {"resume", "off"}, {"idle", "0"}});
  const Plan plan = make_plan(options);
  State state(plan, options.number("messages"), options.number("rate"));
  if (plan.is_idle) {
    run_idle(state, options.number("idle"));
  } else {
    run_load(state, options.number("connections"));
  }
}
