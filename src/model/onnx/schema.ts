import { create, createFileRegistry, type DescMessage, type Message } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

/**
 * The part of ONNX's protobuf format that Goshawk reads and edits, as descriptors made at run time: no
 * generated code and no `protoc`. Field numbers and types are those of the format (onnx.proto, proto2). A
 * field that is not named here is carried along as an unknown field and written back unchanged, behind the
 * known ones. Fields that nobody here reads are named where they come before one that is edited, so that a
 * file which is read and written stays the same byte for byte.
 */

const PACKAGE = 'onnx';

interface FieldSpec {
  readonly number: number;
  readonly type: Type;
  readonly repeated?: true;
  /** for messages: the name within the package */
  readonly of?: string;
  readonly packed?: true;
}

const int32 = (number: number): FieldSpec => ({ number, type: Type.INT32 });
const int64 = (number: number): FieldSpec => ({ number, type: Type.INT64 });
const float = (number: number): FieldSpec => ({ number, type: Type.FLOAT });
const string = (number: number): FieldSpec => ({ number, type: Type.STRING });
const bytes = (number: number): FieldSpec => ({ number, type: Type.BYTES });
const message = (number: number, of: string): FieldSpec => ({ number, type: Type.MESSAGE, of });
const list = (field: FieldSpec): FieldSpec => ({ ...field, repeated: true });
const packed = (field: FieldSpec): FieldSpec => ({ ...field, repeated: true, packed: true });

const MESSAGES = {
  ModelProto: {
    ir_version: int64(1),
    producer_name: string(2),
    producer_version: string(3),
    domain: string(4),
    model_version: int64(5),
    doc_string: string(6),
    graph: message(7, 'GraphProto'),
    opset_import: list(message(8, 'OperatorSetIdProto')),
    metadata_props: list(message(14, 'StringStringEntryProto')),
  },
  OperatorSetIdProto: { domain: string(1), version: int64(2) },
  StringStringEntryProto: { key: string(1), value: string(2) },
  GraphProto: {
    node: list(message(1, 'NodeProto')),
    name: string(2),
    initializer: list(message(5, 'TensorProto')),
    doc_string: string(10),
    input: list(message(11, 'ValueInfoProto')),
    output: list(message(12, 'ValueInfoProto')),
    value_info: list(message(13, 'ValueInfoProto')),
  },
  NodeProto: {
    input: list(string(1)),
    output: list(string(2)),
    name: string(3),
    op_type: string(4),
    attribute: list(message(5, 'AttributeProto')),
    doc_string: string(6),
    domain: string(7),
  },
  AttributeProto: {
    name: string(1),
    f: float(2),
    i: int64(3),
    s: bytes(4),
    t: message(5, 'TensorProto'),
    g: message(6, 'GraphProto'),
    floats: list(float(7)),
    ints: list(int64(8)),
    strings: list(bytes(9)),
    tensors: list(message(10, 'TensorProto')),
    graphs: list(message(11, 'GraphProto')),
    doc_string: string(13),
    type: int32(20),
  },
  ValueInfoProto: { name: string(1), type: message(2, 'TypeProto') },
  TypeProto: { tensor_type: message(1, 'TensorTypeProto') },
  TensorTypeProto: { elem_type: int32(1), shape: message(2, 'TensorShapeProto') },
  TensorShapeProto: { dim: list(message(1, 'DimensionProto')) },
  DimensionProto: { dim_value: int64(1), dim_param: string(2) },
  TensorProto: {
    dims: list(int64(1)),
    data_type: int32(2),
    float_data: packed(float(4)),
    int32_data: packed(int32(5)),
    string_data: list(bytes(6)),
    int64_data: packed(int64(7)),
    name: string(8),
    raw_data: bytes(9),
    double_data: packed({ number: 10, type: Type.DOUBLE }),
    uint64_data: packed({ number: 11, type: Type.UINT64 }),
    doc_string: string(12),
    external_data: list(message(13, 'StringStringEntryProto')),
    data_location: int32(14),
  },
} as const satisfies Record<string, Record<string, FieldSpec>>;

type MessageName = keyof typeof MESSAGES;

const registry = createFileRegistry(
  create(FileDescriptorProtoSchema, {
    name: 'goshawk/onnx.proto',
    package: PACKAGE,
    syntax: 'proto2',
    messageType: Object.entries(MESSAGES).map(([name, fields]) => ({
      name,
      field: Object.entries<FieldSpec>(fields).map(([fieldName, spec]) => ({
        name: fieldName,
        number: spec.number,
        type: spec.type,
        label: spec.repeated === true ? Label.REPEATED : Label.OPTIONAL,
        ...(spec.of === undefined ? {} : { typeName: `.${PACKAGE}.${spec.of}` }),
        ...(spec.packed === true ? { options: { packed: true } } : {}),
      })),
    })),
  }),
  () => undefined,
);

function descriptor<T extends Message>(name: MessageName): GenMessage<T> {
  const found: DescMessage | undefined = registry.getMessage(`${PACKAGE}.${name}`);
  if (found === undefined) throw new Error(`no descriptor for ${name}`);
  return found as GenMessage<T>;
}

export type ModelProto = Message<'onnx.ModelProto'> & {
  irVersion: bigint;
  producerName: string;
  producerVersion: string;
  graph?: GraphProto;
  opsetImport: OperatorSetIdProto[];
  metadataProps: StringStringEntryProto[];
};

export type OperatorSetIdProto = Message<'onnx.OperatorSetIdProto'> & { domain: string; version: bigint };

export type StringStringEntryProto = Message<'onnx.StringStringEntryProto'> & { key: string; value: string };

export type GraphProto = Message<'onnx.GraphProto'> & {
  node: NodeProto[];
  name: string;
  initializer: TensorProto[];
  input: ValueInfoProto[];
  output: ValueInfoProto[];
  valueInfo: ValueInfoProto[];
};

export type NodeProto = Message<'onnx.NodeProto'> & {
  input: string[];
  output: string[];
  name: string;
  opType: string;
  attribute: AttributeProto[];
  domain: string;
};

export type AttributeProto = Message<'onnx.AttributeProto'> & {
  name: string;
  f: number;
  i: bigint;
  s: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  tensors: TensorProto[];
  graphs: GraphProto[];
  floats: number[];
  ints: bigint[];
  /** ATTRIBUTE_TYPE */
  type: number;
};

export type ValueInfoProto = Message<'onnx.ValueInfoProto'> & { name: string; type?: TypeProto };

export type TypeProto = Message<'onnx.TypeProto'> & { tensorType?: TensorTypeProto };

export type TensorTypeProto = Message<'onnx.TensorTypeProto'> & {
  /** DATA_TYPE */
  elemType: number;
  shape?: TensorShapeProto;
};

export type TensorShapeProto = Message<'onnx.TensorShapeProto'> & { dim: DimensionProto[] };

/** A size: a number, or a name where it may change from run to run (`dimParam`), or neither where nothing is known. */
export type DimensionProto = Message<'onnx.DimensionProto'> & { dimValue: bigint; dimParam: string };

export type TensorProto = Message<'onnx.TensorProto'> & {
  dims: bigint[];
  /** DATA_TYPE */
  dataType: number;
  floatData: number[];
  int32Data: number[];
  int64Data: bigint[];
  name: string;
  /** little-endian, whatever the machine */
  rawData: Uint8Array;
  externalData: StringStringEntryProto[];
  /** 1 where the data lies in another file */
  dataLocation: number;
};

export const ModelSchema = descriptor<ModelProto>('ModelProto');
export const NodeSchema = descriptor<NodeProto>('NodeProto');
export const AttributeSchema = descriptor<AttributeProto>('AttributeProto');
export const ValueInfoSchema = descriptor<ValueInfoProto>('ValueInfoProto');
export const StringPairSchema = descriptor<StringStringEntryProto>('StringStringEntryProto');
export const TensorSchema = descriptor<TensorProto>('TensorProto');
export const DimensionSchema = descriptor<DimensionProto>('DimensionProto');
export const OperatorSetIdSchema = descriptor<OperatorSetIdProto>('OperatorSetIdProto');

/** Element types of tensors (`TensorProto.DataType`). */
export const DATA_TYPE = { FLOAT: 1, UINT8: 2, INT8: 3, INT32: 6, INT64: 7, FLOAT16: 10 } as const;

/** Kinds of attributes (`AttributeProto.AttributeType`). */
export const ATTRIBUTE_TYPE = { FLOAT: 1, INT: 2, STRING: 3, TENSOR: 4, FLOATS: 6, INTS: 7 } as const;
