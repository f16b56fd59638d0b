// The loop of a load: connections by their descriptors, woken when the socket has or takes octets. One thread.
#pragma once

#include "channel.h"
#include "load.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

namespace bench {

class Client {
 public:
  virtual ~Client() = default;
  virtual Channel& channel() = 0;
  // There is news. False: this client is done.
  virtual bool advance() = 0;
};

class EventLoop {
 public:
  EventLoop() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {}
  ~EventLoop() { close(epoll_); }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  void add(std::unique_ptr<Client> client) {
    const int descriptor = client->channel().descriptor();
    Watched& watched = clients_[descriptor];
    watched = {std::move(client), false};
    control(EPOLL_CTL_ADD, descriptor, watched);
  }
  std::size_t size() const { return clients_.size(); }
  // Calls `accept` when the listening socket has a connection.
  void watch(int listener, std::function<void()> accept) {
    listener_ = listener;
    accept_ = std::move(accept);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = listener;
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, listener, &event) != 0) give_up("epoll_ctl");
  }

  // Waits for news, `wait_ms` at most (-1: for ever), and lets the clients go on.
  void turn(int wait_ms) {
    epoll_event events[512];
    const int count = epoll_wait(epoll_, events, 512, wait_ms);
    for (int i = 0; i < count; ++i) {
      const int descriptor = events[i].data.fd;
      if (descriptor == listener_) {
        accept_();
        continue;
      }
      Watched& watched = clients_[descriptor];
      if (!watched.client->advance()) {
        clients_.erase(descriptor);  // closes it
      } else if (watched.client->channel().wants_to_write() != watched.writes) {
        control(EPOLL_CTL_MOD, descriptor, watched);
      }
    }
  }

 private:
  struct Watched {
    std::unique_ptr<Client> client;
    bool writes = false;
  };
  void control(int operation, int descriptor, Watched& watched) {
    watched.writes = watched.client->channel().wants_to_write();
    epoll_event event{};
    event.events = EPOLLIN | (watched.writes ? EPOLLOUT : 0U);
    event.data.fd = descriptor;
    if (epoll_ctl(epoll_, operation, descriptor, &event) != 0) give_up("epoll_ctl");
  }

  int epoll_;
  int listener_ = -1;
  std::function<void()> accept_;
  std::unordered_map<int, Watched> clients_;
};

}  // namespace bench
