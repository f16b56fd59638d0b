// Questions to the DNS, by whoever has them: delivery, domains, webhooks. look_up() awaits a typed
// answer, look_up_and_wait() blocks for it; behind both is one Resolver. An answer that does not come
// in time, or that nobody waits for any more, costs its asker nothing.
#pragma once

#include "dns/records.h"
#include "dns/system_files.h"
#include "net/awaitable.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace postern::dns {

struct Question {
  std::string name;  // A-labels, with or without a last dot
  Type type = Type::A;
  // A and AAAA only: if the machine's hosts file has this name, the file answers, and not the DNS.
  std::string hosts_name{};
};

// Any thread.
class Resolver {
 public:
  using Done = std::function<void(RawAnswer)>;

  virtual ~Resolver() = default;
  // Calls `done` once: on any thread, at any time, perhaps before this returns. Never waits for the
  // network, a file or a lock that is held over either.
  virtual void start(Question question, Done done) = 0;
  // For who sets no other.
  virtual std::chrono::milliseconds timeout() const { return std::chrono::seconds(5); }
  // How the machine completes short names.
  virtual ResolvConf conf() const { return {}; }
};

// Ends the look-ups that were given it: those under way now, later ones at once. Used on their
// executor; outlives them.
class Cancellation {
 public:
  void cancel();
  bool is_cancelled() const { return is_cancelled_; }

 private:
  friend class LookUp;
  bool is_cancelled_ = false;
  std::set<net::asio::steady_timer*> waiting_;
};

struct Limits {
  std::chrono::milliseconds timeout{0};  // 0: the resolver's
  Cancellation* cancellation = nullptr;
};

// One question under way. On an executor of one thread; what is asked begins with the object, so
// that several can be under way before the first is awaited.
class LookUp {
 public:
  LookUp(net::Executor executor, Resolver& resolver, Question question, Limits limits);
  ~LookUp();
  LookUp(const LookUp&) = delete;
  LookUp& operator=(const LookUp&) = delete;

  // Once.
  net::Awaitable<RawAnswer> answer();

 private:
  struct State;

  net::asio::steady_timer timer_;
  Cancellation* const cancellation_;
  const std::chrono::milliseconds timeout_;
  const std::chrono::steady_clock::time_point begun_;
  const std::string what_;  // "MX example.org"
  std::shared_ptr<State> state_;
};

net::Awaitable<RawAnswer> ask(Resolver& resolver, Question question, Limits limits = {});
// Never on an I/O thread.
RawAnswer ask_and_wait(Resolver& resolver, Question question);

template <class Record>
net::Awaitable<Answer<Record>> look_up(Resolver& resolver, std::string name, Limits limits = {}) {
  Question question{.name = std::move(name), .type = Record::kType};
  RawAnswer raw = co_await ask(resolver, std::move(question), limits);
  co_return read_answer<Record>(std::move(raw));
}

template <class Record>
Answer<Record> look_up_and_wait(Resolver& resolver, std::string name) {
  return read_answer<Record>(ask_and_wait(resolver, {.name = std::move(name), .type = Record::kType}));
}

}  // namespace postern::dns
