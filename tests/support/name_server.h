// A name server of a test's own on loopback, UDP only: says what the test wrote down, or nothing.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace postern::test {

inline std::string wire_name(std::string_view name) {
  std::string wire;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    wire += static_cast<char>(label.size()) + std::string(label);
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return wire + '\0';
}

inline std::string wire_strings(std::initializer_list<std::string_view> strings) {
  std::string wire;
  for (const auto text : strings) wire += static_cast<char>(text.size()) + std::string(text);
  return wire;
}

inline std::string be16(std::size_t number) {
  return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)};
}

struct Scripted {
  int code = 0;                    // RCODE
  std::vector<std::string> rdata;  // one a record, of whatever type is asked
  bool is_silent = false;
};

class NameServer {
 public:
  // Of a name in lower case and a type's number.
  using Answer = std::function<Scripted(const std::string& name, std::size_t type)>;
  using Names = std::map<std::string, Scripted>;

  explicit NameServer(Answer answer) : answer_(std::move(answer)) {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int octets = 8 * 1'048'576;  // for thousands of questions at once
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    socklen_t length = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  // Any other name: NXDOMAIN.
  explicit NameServer(Names names)
      : NameServer([names = std::move(names)](const std::string& name, std::size_t) {
          const auto found = names.find(name);
          return found == names.end() ? Scripted{3, {}, false} : found->second;
        }) {}
  ~NameServer() {
    is_stopped_ = true;
    thread_.join();
    ::close(fd_);
  }
  NameServer(const NameServer&) = delete;
  NameServer& operator=(const NameServer&) = delete;

  std::string address() const { return "127.0.0.1@" + std::to_string(port_); }
  std::size_t questions() const { return questions_; }

 private:
  void serve() {
    while (!is_stopped_) {
      pollfd waiting{fd_, POLLIN, 0};
      if (::poll(&waiting, 1, 20) <= 0) continue;
      std::array<char, 1500> packet{};
      sockaddr_in peer{};
      socklen_t length = sizeof peer;
      const auto octets = ::recvfrom(fd_, packet.data(), packet.size(), 0,
                                     reinterpret_cast<sockaddr*>(&peer), &length);
      if (octets < 17) continue;
      ++questions_;
      const std::string reply = reply_to({packet.data(), static_cast<std::size_t>(octets)});
      if (reply.empty()) continue;
      ::sendto(fd_, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&peer), length);
    }
  }

  std::string reply_to(std::string_view query) const {
    std::string name;
    std::size_t at = 12;
    for (; query[at] != '\0'; at += 1 + static_cast<std::size_t>(query[at])) {
      name += (name.empty() ? "" : ".") +
              std::string(query.substr(at + 1, static_cast<std::size_t>(query[at])));
    }
    const std::string_view question = query.substr(12, at + 5 - 12);
    const auto type = static_cast<std::uint8_t>(query[at + 1]) * 256U + static_cast<std::uint8_t>(query[at + 2]);
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    const Scripted scripted = answer_(name, type);
    if (scripted.is_silent) return {};
    std::string reply(query.substr(0, 2));
    reply += be16(static_cast<std::size_t>(0x8180 | scripted.code)) + be16(1) +
             be16(scripted.rdata.size()) + be16(0) + be16(0);
    reply += question;
    for (const std::string& rdata : scripted.rdata) {
      reply += be16(0xc00c) + std::string(question.substr(question.size() - 4)) + be16(0) + be16(3600) +
               be16(rdata.size()) + rdata;
    }
    return reply;
  }

  Answer answer_;
  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> is_stopped_{false};
  std::atomic<std::size_t> questions_{0};
  std::thread thread_;
};

}  // namespace postern::test
