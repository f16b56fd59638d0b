#include "support/fake_smarthost.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

#include <condition_variable>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

namespace postern::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::seconds kLimit{120};  // ends a hang

std::string encode(std::string_view octets) {
  std::string text(4 * ((octets.size() + 2) / 3) + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(octets.data()), static_cast<int>(octets.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

// Blocking reads and writes, in the clear or under TLS. False: the connection is gone.
class Wire {
 public:
  explicit Wire(tcp::socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
  }

  bool start_tls(asio::ssl::context& context) {
    if (!buffer_.empty()) return false;
    boost::system::error_code ec;
    tls_.emplace(socket_, context);
    tls_->handshake(asio::ssl::stream_base::server, ec);
    return !ec;
  }

  bool write(std::string_view octets) {
    boost::system::error_code ec;
    if (tls_) asio::write(*tls_, asio::buffer(octets), ec);
    if (!tls_) asio::write(socket_, asio::buffer(octets), ec);
    return !ec;
  }

  // Without its CRLF.
  std::optional<std::string> read_line() {
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
      if (!fill()) return std::nullopt;
    }
    std::string line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return line;
  }

  bool is_tls() const { return tls_.has_value(); }
  bool has_more() const { return !buffer_.empty(); }
  // From another thread: the socket stays open, its reads and writes end.
  void cut() { ::shutdown(socket_.native_handle(), SHUT_RDWR); }

 private:
  bool fill() {
    char octets[8'192];
    boost::system::error_code ec;
    const std::size_t count = tls_ ? tls_->read_some(asio::buffer(octets), ec) : socket_.read_some(asio::buffer(octets), ec);
    buffer_.append(octets, count);
    return !ec;
  }

  tcp::socket socket_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  std::string buffer_;
};

struct Rule {
  std::string stage;
  std::string argument;
  std::optional<std::string> octets;  // nullopt: drop
  int times_left = 0;                 // 0: always
};

struct Answer {
  bool is_drop = false;
  std::optional<std::string> octets;
};

}  // namespace

class FakeSmarthost::Impl {
 public:
  explicit Impl(FakeSmarthostOptions options);
  ~Impl();

  void accept_all();
  void serve(std::size_t number, Wire& wire);
  Answer answer(const std::string& stage, const std::string& argument);
  void cut_all();

  FakeSmarthostOptions options;
  asio::io_context io;
  asio::ssl::context tls{asio::ssl::context::tls_server};
  tcp::acceptor acceptor{io};

  mutable std::mutex mutex;
  mutable std::condition_variable changed;
  std::vector<Rule> rules;
  std::string held_stage;
  std::size_t held = 0;
  std::vector<SmarthostMessage> messages;
  std::vector<std::string> commands;
  std::size_t connections = 0;
  std::size_t admitted = 0;  // that stand; who is told 421 is none
  bool is_stopping = false;
  std::list<Wire> wires;
  std::list<std::thread> threads;
  std::thread acceptor_thread;
};

namespace {

// One connection's dialogue. A member function per verb returns false when the connection is to end.
class Dialogue {
 public:
  Dialogue(FakeSmarthost::Impl& host, Wire& wire, std::size_t number) : host_(host), wire_(wire), number_(number) {}

  void run() {
    if (host_.options.is_implicit_tls && !wire_.start_tls(host_.tls)) return;
    if (!say("greeting", "", "220 fake.example ESMTP\r\n")) return;
    while (true) {
      const std::optional<std::string> line = wire_.read_line();
      if (!line || !obey(*line)) return;
    }
  }

 private:
  bool obey(const std::string& line) {
    const std::size_t space = std::min(line.find(' '), line.size());
    const std::string verb = line.substr(0, space);
    const std::string argument = line.substr(std::min(space + 1, line.size()));
    note(verb == "AUTH" ? "AUTH" : line);
    if (verb == "EHLO") return say("EHLO", argument, ehlo_reply());
    if (verb == "HELO") return say("HELO", argument, "250 fake.example\r\n");
    if (verb == "STARTTLS") return starttls();
    if (verb == "AUTH") return auth(argument);
    if (verb == "MAIL") return mail(argument);
    if (verb == "RCPT") return rcpt(argument);
    if (verb == "DATA") return data();
    if (verb == "RSET") return reset() && say("RSET", "", "250 2.0.0 reset\r\n");
    if (verb == "QUIT") return say("QUIT", "", "221 2.0.0 bye\r\n") && false;
    return say(verb, argument, "500 5.5.1 unknown\r\n");
  }

  // False: drop the connection.
  bool choose(const std::string& stage, const std::string& argument, std::string usual) {
    const Answer answer = host_.answer(stage, argument);
    last_ = answer.octets.value_or(std::move(usual));
    return !answer.is_drop;
  }
  bool say(const std::string& stage, const std::string& argument, std::string usual) {
    return choose(stage, argument, std::move(usual)) && wire_.write(last_);
  }
  bool was_positive() const { return !last_.empty() && (last_[0] == '2' || last_[0] == '3'); }

  std::string ehlo_reply() const {
    std::string reply = "250-fake.example\r\n";
    for (const std::string& keyword : host_.options.keywords) reply += "250-" + keyword + "\r\n";
    if (!host_.options.certificate_file.empty() && !wire_.is_tls()) reply += "250-STARTTLS\r\n";
    if (!host_.options.user_name.empty()) reply += "250-AUTH PLAIN LOGIN\r\n";
    return reply + "250 HELP\r\n";
  }

  bool starttls() {
    if (!say("STARTTLS", "", "220 2.0.0 go\r\n")) return false;
    return !was_positive() || wire_.start_tls(host_.tls);
  }

  bool auth(const std::string& argument) {
    const std::string& user = host_.options.user_name;
    const std::string& password = host_.options.password;
    bool is_right = false;
    if (argument == "LOGIN") {
      const auto said_user = ask("334 VXNlcm5hbWU6\r\n");
      const auto said_password = ask("334 UGFzc3dvcmQ6\r\n");
      is_right = said_user == encode(user) && said_password == encode(password);
    } else {
      is_right = argument == "PLAIN " + encode(std::string(1, '\0') + user + std::string(1, '\0') + password);
    }
    const bool goes_on = say("AUTH", "", is_right ? "235 2.7.0 welcome\r\n" : "535 5.7.8 bad credentials\r\n");
    is_authenticated_ = was_positive();
    return goes_on;
  }

  std::optional<std::string> ask(std::string_view challenge) {
    if (!wire_.write(challenge)) return std::nullopt;
    return wire_.read_line();
  }

  bool mail(const std::string& argument) {
    reset();
    const bool may = host_.options.user_name.empty() || is_authenticated_;
    const bool goes_on = say("MAIL", argument, may ? "250 2.1.0 ok\r\n" : "530 5.7.0 authenticate first\r\n");
    if (was_positive()) message_.mail = argument;
    return goes_on;
  }

  bool rcpt(const std::string& argument) {
    const bool goes_on = say("RCPT", argument, message_.mail.empty() ? "503 5.5.1 MAIL first\r\n" : "250 2.1.5 ok\r\n");
    if (was_positive()) message_.rcpts.push_back(argument);
    return goes_on;
  }

  bool data() {
    const bool has_rcpt = !message_.rcpts.empty();
    if (!say("DATA", "", has_rcpt ? "354 go\r\n" : "554 5.5.1 no valid recipients\r\n")) return false;
    if (last_[0] != '3') return true;
    return read_content() && end_data();
  }

  bool end_data() {
    const bool has_rcpt = !message_.rcpts.empty();
    if (!choose("end-of-data", "", has_rcpt ? "250 2.0.0 taken\r\n" : "554 5.5.1 no valid recipients\r\n")) return false;
    // Kept before it is said: a test that has the reply finds the message.
    if (was_positive() && has_rcpt) keep();
    return reset() && wire_.write(last_);
  }

  bool read_content() {
    const bool drops = host_.answer("content", "").is_drop;
    while (true) {
      std::optional<std::string> line = wire_.read_line();
      if (!line || drops) return false;
      if (*line == ".") return true;
      if (line->starts_with('.')) line->erase(0, 1);
      message_.content.append(*line).append("\r\n");
    }
  }

  void keep() {
    message_.connection = number_;
    message_.was_tls = wire_.is_tls();
    message_.was_followed = wire_.has_more();
    const std::lock_guard lock(host_.mutex);
    host_.messages.push_back(message_);
    host_.changed.notify_all();
  }

  bool reset() {
    message_ = {};
    return true;
  }

  void note(std::string command) {
    const std::lock_guard lock(host_.mutex);
    host_.commands.push_back(std::move(command));
  }

  FakeSmarthost::Impl& host_;
  Wire& wire_;
  std::size_t number_;
  std::string last_;
  bool is_authenticated_ = false;
  SmarthostMessage message_;
};

}  // namespace

FakeSmarthost::Impl::Impl(FakeSmarthostOptions given) : options(std::move(given)) {
  if (!options.certificate_file.empty()) {
    tls.use_certificate_chain_file(options.certificate_file);
    tls.use_private_key_file(options.key_file, asio::ssl::context::pem);
  }
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), 0);
  acceptor.open(endpoint.protocol());
  acceptor.bind(endpoint);
  acceptor.listen();
  acceptor_thread = std::thread([this] { accept_all(); });
}

FakeSmarthost::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex);
    is_stopping = true;
    held_stage.clear();
    cut_all();
  }
  changed.notify_all();
  ::shutdown(acceptor.native_handle(), SHUT_RDWR);  // ends the accept under way
  acceptor_thread.join();
  for (std::thread& thread : threads) thread.join();
}

void FakeSmarthost::Impl::accept_all() {
  while (true) {
    boost::system::error_code ec;
    tcp::socket socket = acceptor.accept(ec);
    const std::lock_guard lock(mutex);
    if (ec || is_stopping) return;
    const auto wire = wires.emplace(wires.end(), std::move(socket));
    // As they come, whichever thread gets its turn first.
    const bool is_surplus = options.most_connections > 0 && admitted >= options.most_connections;
    if (!is_surplus) ++admitted;
    threads.emplace_back([this, number = connections++, wire, is_surplus] {
      if (is_surplus) wire->write("421 4.7.0 too many connections\r\n");
      if (!is_surplus) Dialogue(*this, *wire, number).run();
      const std::lock_guard relock(mutex);
      if (!is_surplus) --admitted;
      wires.erase(wire);  // closes it
    });
  }
}

Answer FakeSmarthost::Impl::answer(const std::string& stage, const std::string& argument) {
  std::unique_lock lock(mutex);
  if (stage == held_stage) {
    ++held;
    changed.notify_all();
    changed.wait(lock, [this] { return held_stage.empty(); });
    --held;
  }
  for (auto rule = rules.begin(); rule != rules.end(); ++rule) {
    if (rule->stage != stage || argument.find(rule->argument) == std::string::npos) continue;
    const Answer found{!rule->octets.has_value(), rule->octets};
    if (rule->times_left == 1) {
      rules.erase(rule);
    } else if (rule->times_left > 1) {
      --rule->times_left;
    }
    return found;
  }
  return {};
}

void FakeSmarthost::Impl::cut_all() {
  for (Wire& wire : wires) wire.cut();
}

FakeSmarthost::FakeSmarthost(FakeSmarthostOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
FakeSmarthost::~FakeSmarthost() = default;

std::uint16_t FakeSmarthost::port() const { return impl_->acceptor.local_endpoint().port(); }

void FakeSmarthost::reply(std::string stage, std::string octets, int times, std::string argument) {
  const std::lock_guard lock(impl_->mutex);
  impl_->rules.push_back({std::move(stage), std::move(argument), std::move(octets), times});
}

void FakeSmarthost::drop(std::string stage, int times) {
  const std::lock_guard lock(impl_->mutex);
  impl_->rules.push_back({std::move(stage), "", std::nullopt, times});
}

void FakeSmarthost::hold(std::string stage) {
  const std::lock_guard lock(impl_->mutex);
  impl_->held_stage = std::move(stage);
}

void FakeSmarthost::release() {
  const std::lock_guard lock(impl_->mutex);
  impl_->held_stage.clear();
  impl_->changed.notify_all();
}

void FakeSmarthost::drop_all() {
  const std::lock_guard lock(impl_->mutex);
  impl_->cut_all();
}

bool FakeSmarthost::wait_for_held(std::size_t connections) const {
  std::unique_lock lock(impl_->mutex);
  return impl_->changed.wait_for(lock, kLimit, [&] { return impl_->held >= connections; });
}

std::vector<SmarthostMessage> FakeSmarthost::messages() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->messages;
}

std::vector<std::string> FakeSmarthost::commands() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->commands;
}

std::size_t FakeSmarthost::connections() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->connections;
}

}  // namespace postern::test
