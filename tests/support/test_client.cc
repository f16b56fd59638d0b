// Plain system calls: the test's client shares no code with the server it tests.
#include "tests/support/test_client.h"

#include "core/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace postern::test {

namespace {

// Ends a hang and measures nothing: on a loaded machine an answer may take long.
constexpr timeval kSocketPatience{.tv_sec = 120, .tv_usec = 0};

}  // namespace

TestClient::TestClient(std::uint16_t port) {
  // OpenSSL writes to the socket without MSG_NOSIGNAL.
  ::signal(SIGPIPE, SIG_IGN);
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  POSTERN_CHECK(socket_ >= 0);
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kSocketPatience, sizeof kSocketPatience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  POSTERN_CHECK(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

TestClient::~TestClient() { close(); }

bool TestClient::send(std::string_view octets) {
  while (!octets.empty()) {
    const ssize_t sent = tls_ ? SSL_write(tls_.get(), octets.data(), static_cast<int>(octets.size()))
                              : ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool TestClient::fill() {
  char space[4096];
  const ssize_t count = tls_ ? SSL_read(tls_.get(), space, sizeof space) : ::recv(socket_, space, sizeof space, 0);
  if (count <= 0) return false;
  unread_.append(space, static_cast<std::size_t>(count));
  return true;
}

std::string TestClient::read_line() {
  for (;;) {
    const std::size_t end = unread_.find("\r\n");
    if (end != std::string::npos) {
      std::string line = unread_.substr(0, end + 2);
      unread_.erase(0, end + 2);
      return line;
    }
    if (!fill()) return "";
  }
}

std::string TestClient::read_reply() {
  std::string reply;
  for (;;) {
    const std::string line = read_line();
    if (line.empty()) return "";
    reply += line;
    if (line.size() < 4 || line[3] != '-') return reply;
  }
}

std::string TestClient::read_octets(std::size_t count) {
  while (unread_.size() < count && fill()) {
  }
  std::string octets = unread_.substr(0, count);
  unread_.erase(0, count);
  return octets;
}

std::string TestClient::command(std::string_view line) {
  send(std::string(line) + "\r\n");
  return read_reply();
}

std::string TestClient::read_to_end() {
  while (fill()) {
  }
  return std::exchange(unread_, "");
}

bool TestClient::start_tls() {
  tls_context_.reset(SSL_CTX_new(TLS_client_method()));
  tls_.reset(SSL_new(tls_context_.get()));
  SSL_set_fd(tls_.get(), socket_);
  return SSL_connect(tls_.get()) == 1;
}

std::string TestClient::peer_common_name() const {
  char name[256] = "";
  X509* certificate = SSL_get0_peer_certificate(tls_.get());
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

void TestClient::half_close() { ::shutdown(socket_, SHUT_WR); }

void TestClient::reset() {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void TestClient::close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

}  // namespace postern::test
