// The file of `postern sendmail`: which relay, which key, what completes an address. Its own file, and not postern.toml: whoever
// sends must be able to read it, and it may stand on a machine without a relay.
#pragma once

#include "core/result.h"
#include "sendmail/delivery.h"

#include <filesystem>
#include <string>

namespace postern::app {

struct SendmailSettings {
  sendmail::RelayAddress relay;
  std::string domain;         // empty: the machine's name
  std::string local_mail_to;  // empty: user@domain
  std::filesystem::path spool_dir = "/var/spool/postern-sendmail";
};

// $POSTERN_SENDMAIL_CONFIG, else ~/.config/postern/sendmail.toml where there is one, else /etc/postern-sendmail.toml.
std::filesystem::path find_sendmail_file();

// Reads the key's file too. InvalidArgument: what is wrong, and in which line; NotFound.
Result<SendmailSettings> load_sendmail_settings(const std::filesystem::path& file);

}  // namespace postern::app
