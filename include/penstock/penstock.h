// SPDX-License-Identifier: MIT
//
// Everything for a program that submits and runs jobs. Typed payloads need <penstock/json.h> too.
#pragma once

#include <penstock/app.h>
#include <penstock/client.h>
#include <penstock/codec.h>
#include <penstock/event.h>
#include <penstock/job.h>
#include <penstock/log.h>
#include <penstock/program.h>
#include <penstock/result.h>
#include <penstock/worker.h>
