type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variables that a computing process needs, none of which is private. */
const FOR_INFERENCE: readonly RegExp[] = [
  // location of programs, libraries and folders, and the language
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMPDIR|TMP|TEMP|TZ|LANG|LANGUAGE|PWD)$/,
  /^(LC|XDG)_/,
  /^LD_(LIBRARY_PATH|PRELOAD|BIND_NOW)$/,
  // memory, threads and how Node starts
  /^(UV_THREADPOOL_SIZE|MALLOC_\w+|NODE_(OPTIONS|EXTRA_CA_CERTS|COMPILE_CACHE))$/,
  /^(OMP|KMP|GOMP|MKL|OPENBLAS|DNNL|ONEDNN)_/,
  // the inference library, its providers and their hardware
  /^(ORT|ONNXRUNTIME|CUDA|CUDNN|CUBLAS|NVIDIA|NV|TENSORRT|TRT|TF_TRT|ROCM|HIP|HSA|MIGRAPHX|OPENVINO|QNN)_/,
  // where measurements are stored
  /^GOSHAWK_(CACHE|HOME)$/,
];

/** Credentials: the broker's, and any variable named like one. */
const SECRET =
  /^GOSHAWK_MQTT_|PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY/i;

/**
 * The environment of a process that only computes: an inference runner must not be able to leak the broker's password.
 */
export function inferenceEnvironment(env: Environment = process.env): Record<string, string> {
  return pick(env, (name) => FOR_INFERENCE.some((pattern) => pattern.test(name)) && !SECRET.test(name));
}

/**
 * The environment of any other child process, such as a ROS node of the demo or Python: everything except the broker's
 * secrets. Credentials of package indexes and ROS security stay, since pip and DDS need them.
 */
export function childEnvironment(env: Environment = process.env): Record<string, string> {
  return pick(env, (name) => !name.startsWith('GOSHAWK_MQTT_'));
}

function pick(env: Environment, isTaken: (name: string) => boolean): Record<string, string> {
  const taken = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && isTaken(entry[0]),
  );
  return Object.fromEntries(taken);
}
