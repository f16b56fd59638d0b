// What the loads share: options, the messages that are left to send at which rate, latencies, the line of JSON at the end.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

// `--name value` pairs; a name that is not in the defaults ends the program with the usage.
class Options {
 public:
  Options(int argc, char** argv, std::map<std::string, std::string, std::less<>> defaults) : values_(std::move(defaults)) {
    for (int i = 1; i < argc; i += 2) {
      const std::string name = argv[i];
      const auto found = name.starts_with("--") ? values_.find(name.substr(2)) : values_.end();
      if (found == values_.end() || i + 1 >= argc) usage(argv[0]);
      found->second = argv[i + 1];
    }
  }
  const std::string& text(std::string_view name) const { return values_.find(name)->second; }
  long number(std::string_view name) const { return std::atol(text(name).c_str()); }
  bool is_on(std::string_view name) const { return text(name) == "on"; }

 private:
  [[noreturn]] void usage(const char* program) const {
    std::fprintf(stderr, "usage: %s", program);
    for (const auto& [name, value] : values_) {
      std::fprintf(stderr, " [--%s %s]", name.c_str(), value.empty() ? "TEXT" : value.c_str());
    }
    std::fprintf(stderr, "\n");
    std::exit(2);
  }
  std::map<std::string, std::string, std::less<>> values_;
};

// Hands out the messages. With a rate a message is handed out at its time, whether or not the one before was answered, and its
// latency counts from then: a server that stalls cannot hide it by slowing the load down.
class Schedule {
 public:
  Schedule(long messages, long per_second) : messages_(messages), per_second_(per_second), began_(Clock::now()) {}

  bool is_over() const { return next_ >= messages_; }
  bool is_due(Clock::time_point now) const { return per_second_ == 0 || time_of_next() <= now; }
  Clock::time_point time_of_next() const {
    return began_ + std::chrono::nanoseconds(per_second_ == 0 ? 0 : next_ * 1'000'000'000L / per_second_);
  }
  // Requires: not over. Returns the message's number; `began` is when its time starts to count.
  long take(Clock::time_point now, Clock::time_point& began) {
    began = per_second_ == 0 ? now : time_of_next();
    return next_++;
  }

 private:
  long messages_, per_second_, next_ = 0;
  Clock::time_point began_;
};

class Report {
 public:
  Report() : began_(Clock::now()) {}

  void accepted(Clock::time_point since) {
    latencies_ms_.push_back(std::chrono::duration<double, std::milli>(Clock::now() - since).count());
  }
  void refused(std::string_view reply) {
    if (refused_++ == 0) std::fprintf(stderr, "refused: %.*s\n", static_cast<int>(reply.size()), reply.data());
  }
  std::size_t count() const { return latencies_ms_.size(); }
  long refusals() const { return refused_; }

  // One line of JSON: counts, seconds, rate, percentiles.
  void print(std::string_view more = {}) {
    const double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
    std::sort(latencies_ms_.begin(), latencies_ms_.end());
    std::printf("{\"accepted\":%zu,\"refused\":%ld,\"seconds\":%.3f,\"per_second\":%.0f", latencies_ms_.size(), refused_, seconds,
                static_cast<double>(latencies_ms_.size()) / seconds);
    for (const auto& [name, part] : {std::pair("p50", 0.5), {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}}) {
      std::printf(",\"%s_ms\":%.2f", name, at(part));
    }
    std::printf("%.*s}\n", static_cast<int>(more.size()), more.data());
  }

 private:
  double at(double part) const {
    return latencies_ms_.empty() ? 0
                                 : latencies_ms_[static_cast<std::size_t>(part * static_cast<double>(latencies_ms_.size() - 1))];
  }
  Clock::time_point began_;
  std::vector<double> latencies_ms_;
  long refused_ = 0;
};

}  // namespace bench
